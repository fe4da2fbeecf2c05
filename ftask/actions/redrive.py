"""Redrive at scale: over several connections from the dead-letter queue, then from the table what has no letter.

Both ways use the core's redriver, so a redrive may be interrupted, repeated, or run by two operators at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field
from itertools import islice

from ftask.actions.reading import holding, over_connections
from ftask.aws.concurrency import RateLimiter
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.letters import Verdict, Verdicts
from ftask.core.model import Message, Task
from ftask.core.sqs import MAX_BATCH
from ftask.selection.failed import failures
from ftask.selection.filter import TaskFilter


def redrive(stage: Stage, task_filter: TaskFilter, limiter: RateLimiter) -> Generator[Verdicts]:
    """Redrive the selected failed tasks; yield the verdicts after each batch.

    Tasks that were discarded or drained are redriven only if the filter names them. Stale letters on the way are
    deleted, whether their tasks are selected or not. `limiter` counts the tasks that are redriven, so letters of other
    tasks do not slow it down.

    Raises:
        FtaskError: AWS refused a request. Tasks that were redriven remain so; a repetition redrives the others.
    """
    once = _OncePerTask(task_filter, limiter)
    redriver = stage.redriver
    yield from over_connections(
        stage, lambda reader, seen: redriver.redrive_letters(reader, once.admit, seen), task_filter.task_ids
    )
    # A task whose letter has expired, or is held by somebody else now: that letter is stale afterwards.
    failed = failures(stage, task_filter, also_removed=True)
    without_letter = (task for task in failed if task.task_id not in once.epochs)
    while chunk := list(islice(without_letter, MAX_BATCH)):
        messages = [Message(task.task_id, task.epoch) for task in chunk]
        with translate_aws_errors():
            verdicts = redriver.redrive(messages, once.admit, also_removed=bool(task_filter.task_ids))
        yield list(zip(messages, verdicts, strict=True))


def delete_stale(stage: Stage, hold_seconds: int | None = None) -> int:
    """Delete the stale dead letters; return how many there were. All others are visible again afterwards.

    `hold_seconds` is how long a letter is hidden meanwhile: long enough for all to be read (default: the reader's).
    """
    with holding(stage, hold_seconds) as reader:
        batches = stage.redriver.redrive_letters(reader, lambda _: False)
        return sum(verdict is Verdict.STALE for batch in batches for _, verdict in batch)


@dataclass
class RedriveTally:
    """What a redrive has done: how many letters or tasks have which verdict, and the tasks that have a new epoch."""

    counts: Counter[Verdict] = field(default_factory=Counter)
    task_ids: list[str] = field(default_factory=list)

    def add(self, batch: Verdicts) -> None:
        self.counts.update(verdict for _, verdict in batch)
        self.task_ids += [message.task_id for message, verdict in batch if message and verdict is Verdict.DONE]


class _OncePerTask:
    """The selected tasks, each in one epoch only, so that a task which fails again at once is not redriven again."""

    def __init__(self, task_filter: TaskFilter, limiter: RateLimiter) -> None:
        self._filter = task_filter
        self._limiter = limiter
        self.epochs: dict[str, int] = {}

    def admit(self, task: Task) -> bool:
        """Return whether the task is redriven, after its turn at the rate."""
        # Two threads may have the same task: both then redrive the same epoch, which is harmless.
        is_first = self._filter.matches_failure(task) and self.epochs.setdefault(task.task_id, task.epoch) == task.epoch
        if is_first:
            self._limiter.wait(1)
        return is_first
