"""How many tasks were in which state over time. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from ftask.bench.experiment import Sent
from ftask.bench.result import StatesAt
from ftask.core.model import Outcome, Status, Task

# When a task entered a state.
_Change = tuple[datetime, Status]


def states_over_time(
    sent: Sequence[Sent], tasks: Mapping[str, Task], begun: datetime, seconds: Sequence[float]
) -> list[StatesAt]:
    """Return the number of tasks in each state at each of these `seconds` after `begun`, which ascend."""
    changes: list[tuple[float, Status | None, Status]] = []
    for task_id, sent_at in ((each.task_id, each.sent_at) for each in sent):
        before: Status | None = None
        entered = 0.0
        for moment, status in _course(tasks.get(task_id), sent_at):
            # The clocks of the client and of AWS may differ, but a task's states follow each other.
            entered = max(entered, (moment - begun).total_seconds())
            changes.append((entered, before, status))
            before = status
    changes.sort(key=lambda change: change[0])
    return list(_counted(changes, seconds))


def _course(task: Task | None, sent_at: datetime) -> Iterator[_Change]:
    """Yield each state that a task entered, in order."""
    yield (sent_at if task is None else min(sent_at, task.created_at)), Status.PENDING
    if task is None:
        return
    for attempt in task.history:
        yield attempt.started_at, Status.PROCESSING
        # The last failure is followed by FAILED at the same moment.
        if attempt.ended_at is not None and attempt.outcome is Outcome.FAILED:
            yield attempt.ended_at, Status.RETRYING
    if task.status.terminal:
        yield task.updated_at, task.status


def _counted(changes: Sequence[tuple[float, Status | None, Status]], seconds: Iterable[float]) -> Iterator[StatesAt]:
    counts: Counter[Status] = Counter()
    position = 0
    for second in seconds:
        while position < len(changes) and changes[position][0] <= second:
            _, before, after = changes[position]
            if before is not None:
                counts[before] -= 1
            counts[after] += 1
            position += 1
        yield StatesAt(second=second, **{status.lower(): counts[status] for status in Status})
