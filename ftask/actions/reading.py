"""The dead-letter queue read to its end: letters that are not deleted are visible again at once afterwards."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager

from ftask.aws.concurrency import merge
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.letters import Verdict, Verdicts
from ftask.core.model import DeadLetter
from ftask.core.sqs import SqsDeadLetterReader

CONNECTIONS = 4


class HoldingReader:
    """A :class:`ftask.core.ports.DeadLetterReader` whose `release` makes the letters that stay visible at once.

    `hold_seconds` is how long a letter is hidden meanwhile (default: the reader's). Threads may share it.
    """

    def __init__(self, reader: SqsDeadLetterReader, hold_seconds: int | None = None) -> None:
        self._reader = reader
        self._hold_seconds = reader.VISIBILITY_SECONDS if hold_seconds is None else hold_seconds
        self._lock = threading.Lock()
        # By message: its receipt handle, and until when it is hidden.
        self._held: dict[str, tuple[str, float]] = {}

    def receive(self) -> list[DeadLetter]:
        hidden_until = time.monotonic() + self._hold_seconds
        letters = self._reader.receive(hold_seconds=self._hold_seconds)
        with self._lock:
            self._held.update({letter.message_id: (letter.receipt_handle, hidden_until) for letter in letters})
        return letters

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        self._reader.delete(letters)
        with self._lock:
            for letter in letters:
                self._held.pop(letter.message_id, None)

    def release(self) -> None:
        """Make the letters that were received and stay visible again at once."""
        # One that is visible again may be with another reader by now.
        self._reader.release([handle for handle, until in self._held.values() if time.monotonic() < until])


@contextmanager
def holding(
    stage: Stage, hold_seconds: int | None = None, reader: SqsDeadLetterReader | None = None
) -> Iterator[HoldingReader]:
    """Yield a reader of the dead-letter queue, or one that holds the letters of another `reader`; release them all."""
    held = HoldingReader(reader or stage.dead_letter_reader, hold_seconds)
    with translate_aws_errors():
        try:
            yield held
        finally:
            held.release()


def over_connections(
    stage: Stage,
    handle: Callable[[HoldingReader, set[str]], Iterator[Verdicts]],
    task_ids: frozenset[str] = frozenset(),
) -> Generator[Verdicts]:
    """Run `handle`, a loop over the letters, on several connections at once; yield the verdicts on each batch.

    It gets the reader, and the ids of the letters that were read, for all connections to share. With `task_ids`, it
    ends when the letters of all these tasks were read.
    """
    seen: set[str] = set()
    missing = set(task_ids)
    with holding(stage) as reader, closing(merge([handle(reader, seen) for _ in range(CONNECTIONS)])) as batches:
        for batch in batches:
            yield batch
            missing -= {message.task_id for message, _ in batch if message is not None}
            if task_ids and not missing:
                return


def done_in(batch: Verdicts) -> int:
    """Return how many tasks or letters of a batch were redriven, discarded or drained; the other letters are not."""
    return sum(verdict is Verdict.DONE for _, verdict in batch)
