"""Redrive at scale: over several connections from the dead-letter queue, then from the table what has no letter.

Both ways use the core's redriver, so a redrive may be interrupted, repeated, or run by two operators at once.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import islice

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import merge
from ftask.aws.rate_limiter import RateLimiter
from ftask.aws.stage import Stage
from ftask.core.model import Delivery, Message, Task
from ftask.core.ports import Queue
from ftask.core.redrive import RedriveOutcome
from ftask.core.sqs import MAX_BATCH
from ftask.dead_letters.holding import HoldingReader
from ftask.dead_letters.selection import Selection, failures

CONNECTIONS = 4

Outcomes = list[tuple[Message | None, RedriveOutcome]]


def redrive(stage: Stage, selection: Selection, limiter: RateLimiter) -> Generator[Outcomes]:
    """Redrive the selected failed tasks; yield the outcomes after each batch.

    Tasks that were discarded or drained are redriven only if the selection names them. Stale letters on the way are
    deleted, whether their tasks are selected or not. `limiter` counts the tasks that
    are redriven, so letters of other tasks do not slow it down.

    Raises:
        FtaskError: AWS refused a request. What was redriven stays so, and a repetition goes on from there.
    """
    once = _OncePerTask(selection)
    seen: set[str] = set()
    missing = set(selection.task_ids)
    reader = HoldingReader(stage.dead_letter_reader)
    redriver = replace(stage.redriver, queue=_LimitedQueue(stage.queue, limiter))
    with translate_aws_errors():
        try:
            connections = [redriver.redrive_letters(reader, once.matches, seen) for _ in range(CONNECTIONS)]
            with closing(merge(connections)) as batches:
                for batch in batches:
                    yield batch
                    missing -= {message.task_id for message, _ in batch if message is not None}
                    if selection.task_ids and not missing:
                        break  # every selected task had its letter
        finally:
            reader.release()
    # A task whose letter has expired, or is held by somebody else now: that letter is stale afterwards.
    without_letter = (task for task in failures(stage, selection, also_removed=True) if not once.has_seen(task.task_id))
    while chunk := list(islice(without_letter, MAX_BATCH)):
        messages = [Message(task.task_id, task.epoch) for task in chunk]
        with translate_aws_errors():
            outcomes = redriver.redrive(messages, once.matches, also_removed=bool(selection.task_ids))
        yield list(zip(messages, outcomes, strict=True))


def discard_stale(stage: Stage, hold_seconds: int | None = None) -> int:
    """Delete the stale dead letters; return how many there were. All others are visible again afterwards.

    `hold_seconds` is how long a letter is hidden meanwhile: long enough for all to be read (default: the reader's).
    """
    reader = HoldingReader(stage.dead_letter_reader, hold_seconds)
    with translate_aws_errors():
        try:
            batches = stage.redriver.redrive_letters(reader, lambda _: False)
            return sum(outcome is RedriveOutcome.STALE for batch in batches for _, outcome in batch)
        finally:
            reader.release()


class _OncePerTask:
    """The selected tasks, each in one epoch only, so that a task which fails again at once is not redriven again."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._epochs: dict[str, int] = {}

    def matches(self, task: Task) -> bool:
        # Two threads may have the same task: both then redrive the same epoch, which is harmless.
        return self._selection.matches(task) and self._epochs.setdefault(task.task_id, task.epoch) == task.epoch

    def has_seen(self, task_id: str) -> bool:
        return task_id in self._epochs


class _LimitedQueue:
    """The main queue, which takes the messages of redriven tasks at a rate."""

    def __init__(self, queue: Queue, limiter: RateLimiter) -> None:
        self._queue = queue
        self._limiter = limiter

    def send(self, message: Message) -> None:
        self._limiter.wait(1)
        self._queue.send(message)

    def send_many(self, messages: Sequence[Message]) -> list[Message]:
        self._limiter.wait(len(messages))
        return self._queue.send_many(messages)

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        self._queue.postpone(delivery, seconds)
