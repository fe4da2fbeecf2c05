"""Redrive at scale: over several connections from the dead-letter queue, then from the table what has no letter.

Both ways use the core's redriver, so a redrive may be interrupted, repeated, or run by two operators at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import merge
from ftask.aws.rate_limiter import RateLimiter
from ftask.aws.stage import Stage
from ftask.core.model import DeadLetter, Message, Task
from ftask.core.redrive import RedriveOutcome
from ftask.core.sqs import MAX_BATCH, SqsDeadLetterReader
from ftask.dead_letters.selection import Selection, failures

CONNECTIONS = 4

Outcomes = list[tuple[Message | None, RedriveOutcome]]


def redrive(stage: Stage, selection: Selection, limiter: RateLimiter) -> Iterator[Outcomes]:
    """Redrive the selected failed tasks; yield the outcomes after each batch.

    Stale letters on the way are discarded, whether their tasks are selected or not.

    Raises:
        FtaskError: AWS refused a request. What was redriven stays so, and a repetition goes on from there.
    """
    once = _OncePerTask(selection)
    seen: set[str] = set()
    missing = set(selection.task_ids)
    reader = _LimitedReader(stage.dead_letter_reader, limiter)
    with translate_aws_errors():
        try:
            connections = [stage.redriver.redrive_letters(reader, once.matches, seen) for _ in range(CONNECTIONS)]
            with closing(merge(connections)) as batches:
                for batch in batches:
                    yield batch
                    missing -= {message.task_id for message, _ in batch if message is not None}
                    if selection.task_ids and not missing:
                        break  # every selected task had its letter
        finally:
            reader.release()
    # A task whose letter has expired, or is held by somebody else now: that letter is stale afterwards.
    without_letter = (task for task in failures(stage, selection) if not once.has_seen(task.task_id))
    while chunk := list(islice(without_letter, MAX_BATCH)):
        limiter.wait(len(chunk))
        messages = [Message(task.task_id, task.epoch) for task in chunk]
        with translate_aws_errors():
            outcomes = stage.redriver.redrive(messages, once.matches)
        yield list(zip(messages, outcomes, strict=True))


def discard_stale(stage: Stage, hold_seconds: int | None = None) -> int:
    """Delete the stale dead letters; return how many there were. All others are visible again afterwards.

    `hold_seconds` is how long a letter is hidden meanwhile: long enough for all to be read (default: the reader's).
    """
    reader = _LimitedReader(stage.dead_letter_reader, RateLimiter(0), hold_seconds=hold_seconds)
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


class _LimitedReader:
    """A dead-letter reader that keeps to a rate, and makes the letters that stay visible again at the end."""

    def __init__(
        self,
        reader: SqsDeadLetterReader,
        limiter: RateLimiter,
        clock: Callable[[], float] = time.monotonic,
        hold_seconds: int | None = None,
    ) -> None:
        self._reader = reader
        self._limiter = limiter
        self._clock = clock
        self._hold_seconds = reader.VISIBILITY_SECONDS if hold_seconds is None else hold_seconds
        self._lock = threading.Lock()
        # By message: its receipt handle, and until when it is hidden.
        self._held: dict[str, tuple[str, float]] = {}

    def receive(self) -> list[DeadLetter]:
        self._limiter.wait(MAX_BATCH)
        hidden_until = self._clock() + self._hold_seconds
        letters = self._reader.receive(hold_seconds=self._hold_seconds)
        with self._lock:
            self._held.update({letter.message_id: (letter.receipt_handle, hidden_until) for letter in letters})
        return letters

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        self._reader.delete(letters)
        with self._lock:
            for letter in letters:
                self._held.pop(letter.message_id, None)
            self._forget_visible()

    def release(self) -> None:
        """Make the letters that were received and stay visible again at once."""
        self._forget_visible()
        self._reader.release([receipt_handle for receipt_handle, _ in self._held.values()])

    def _forget_visible(self) -> None:
        # Held in the order of their receipt, so the first ones are visible again first.
        for message_id, (_, hidden_until) in list(islice(self._held.items(), MAX_BATCH)):
            if hidden_until <= self._clock():
                del self._held[message_id]
