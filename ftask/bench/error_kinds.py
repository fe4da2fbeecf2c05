"""Which errors a run had. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from ftask.bench.result import ErrorKind
from ftask.core.model import WORKER_LOST, Outcome, Status, Task


def error_kinds(tasks: Iterable[Task]) -> list[ErrorKind]:
    """Return the errors of the attempts by type, the most frequent first."""
    attempts: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for task in tasks:
        for attempt in task.history:
            if attempt.error is not None:
                attempts[attempt.error.type] += 1
                examples.setdefault(attempt.error.type, attempt.error.message)
            elif attempt.outcome is Outcome.LOST:
                attempts[WORKER_LOST] += 1
                examples.setdefault(WORKER_LOST, "the worker ended without reporting")
        if task.status is Status.FAILED and task.last_error is not None:
            failed[task.last_error.type] += 1
            examples.setdefault(task.last_error.type, task.last_error.message)
    names = sorted(examples, key=lambda name: (-attempts[name], name))
    return [ErrorKind(type=name, example=examples[name], attempts=attempts[name], tasks=failed[name]) for name in names]
