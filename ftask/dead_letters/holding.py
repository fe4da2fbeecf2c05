"""A reader of the dead-letter queue that gives back what it does not delete."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from itertools import islice

from ftask.core.model import DeadLetter
from ftask.core.sqs import MAX_BATCH, SqsDeadLetterReader


class HoldingReader:
    """A :class:`ftask.core.ports.DeadLetterReader` whose `release` makes the letters that stay visible at once.

    `hold_seconds` is how long a letter is hidden meanwhile (default: the reader's). Threads may share it.
    """

    def __init__(
        self,
        reader: SqsDeadLetterReader,
        hold_seconds: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._clock = clock
        self._hold_seconds = reader.VISIBILITY_SECONDS if hold_seconds is None else hold_seconds
        self._lock = threading.Lock()
        # By message: its receipt handle, and until when it is hidden.
        self._held: dict[str, tuple[str, float]] = {}

    def receive(self) -> list[DeadLetter]:
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
        with self._lock:
            self._forget_visible()
            receipt_handles = [receipt_handle for receipt_handle, _ in self._held.values()]
            self._held.clear()
        self._reader.release(receipt_handles)

    def _forget_visible(self) -> None:
        # Held in the order of their receipt, so the first ones are visible again first.
        for message_id, (_, hidden_until) in list(islice(self._held.items(), MAX_BATCH)):
            if hidden_until <= self._clock():
                del self._held[message_id]
