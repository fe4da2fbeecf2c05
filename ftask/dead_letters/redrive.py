"""Redrive at scale: from the dead-letter queue over several connections, then from the table what has no letter.

Both ways are the core's, so whatever is interrupted, repeated or done by two operators at once stays safe.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from itertools import islice

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import Pace, merged
from ftask.aws.stage import Stage
from ftask.core.model import DeadLetter, Message, Task
from ftask.core.redrive import RedriveOutcome
from ftask.core.sqs import SqsDeadLetterReader
from ftask.dead_letters.selection import Selection, failures

CONNECTIONS = 4
# SQS gives and takes messages ten at a time.
BATCH = 10

Outcomes = list[tuple[Message | None, RedriveOutcome]]


def redrive(stage: Stage, selection: Selection, pace: Pace) -> Iterator[Outcomes]:
    """Redrive the failed tasks that are meant; after each batch, what became of it.

    Stale letters are discarded on the way, whatever the selection.
    """
    once = _Once(selection)
    seen: set[str] = set()
    missing = set(selection.task_ids)
    box = _PacedBox(stage.dead_letter_reader, pace)
    with translate_aws_errors():
        try:
            readers = [stage.redriver.redrive_letters(box, once.has, seen) for _ in range(CONNECTIONS)]
            with closing(merged(readers)) as batches:
                for batch in batches:
                    yield batch
                    missing -= {letter.task_id for letter, _ in batch if letter is not None}
                    if selection.task_ids and not missing:
                        break  # no further letter is of interest
        finally:
            box.release()
    # What has no letter any more, or one that somebody else holds just now: the letter is stale afterwards.
    left = (task for task in failures(stage, selection) if not once.knows(task.task_id))
    while chunk := list(islice(left, BATCH)):
        pace.wait(len(chunk))
        letters = [Message(task.task_id, task.epoch) for task in chunk]
        with translate_aws_errors():
            results = stage.redriver.redrive(letters, once.has)
        yield list(zip(letters, results, strict=True))


class _Once:
    """The tasks that are meant, each in one epoch only: what fails again at once is not redriven again and again."""

    def __init__(self, selection: Selection) -> None:
        self._selection = selection
        self._epochs: dict[str, int] = {}

    def has(self, task: Task) -> bool:
        # Of several threads with the same task one is first; both then redrive the same epoch, which is harmless.
        return self._selection.has(task) and self._epochs.setdefault(task.task_id, task.epoch) == task.epoch

    def knows(self, task_id: str) -> bool:
        return task_id in self._epochs


class _PacedBox:
    """A letter box that is opened no faster than the pace allows, and in which what stays is put back in the end."""

    def __init__(self, box: SqsDeadLetterReader, pace: Pace, clock: Callable[[], float] = time.monotonic) -> None:
        self._box = box
        self._pace = pace
        self._clock = clock
        self._lock = threading.Lock()
        # By message: its receipt handle, and until when it is hidden.
        self._held: dict[str, tuple[str, float]] = {}

    def receive(self) -> list[DeadLetter]:
        self._pace.wait(BATCH)
        hidden_until = self._clock() + self._box.VISIBILITY_SECONDS
        letters = self._box.receive()
        with self._lock:
            self._held.update({letter.message_id: (letter.receipt_handle, hidden_until) for letter in letters})
        return letters

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        self._box.delete(letters)
        with self._lock:
            for letter in letters:
                self._held.pop(letter.message_id, None)
            self._forget_visible()

    def release(self) -> None:
        """Show again at once what was looked at and stays."""
        self._forget_visible()
        self._box.release([receipt for receipt, _ in self._held.values()])

    def _forget_visible(self) -> None:
        # In the order in which they were received, so only the first can be visible again by themselves.
        for message_id, (_, hidden_until) in list(islice(self._held.items(), BATCH)):
            if hidden_until <= self._clock():
                del self._held[message_id]
