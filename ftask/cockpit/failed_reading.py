"""When the failed tasks are read: they may be thousands, and a snapshot tells whether they have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from ftask.ops.top import FAILED_AGE_SECONDS, READING_SHARE, FailedAttempt, StageSnapshot


@dataclass
class FailedReading:
    """Decides when the failed tasks are read again: after a change, yet seldom where reading takes long."""

    clock: Callable[[], float] = time.monotonic
    _at_once: bool = True
    _has_changed: bool = False
    _seen: tuple[int, FailedAttempt | None] | None = None
    _not_before: float = 0.0
    _started: float | None = None

    def see(self, snapshot: StageSnapshot) -> None:
        """Take note of a snapshot."""
        seen = (snapshot.failed, next((failure for failure in snapshot.failures if failure.final), None))
        self._has_changed |= self._seen is not None and seen != self._seen
        self._seen = seen

    def changed(self) -> None:
        """Take note of a change that was made here: no need to wait."""
        self._at_once = True

    def is_due(self) -> bool:
        """Whether to read now."""
        is_wanted = self._at_once or (self._has_changed and self.clock() >= self._not_before)
        return is_wanted and self._started is None

    def begin(self) -> None:
        """Take note that a reading begins."""
        self._started = self.clock()
        self._at_once = self._has_changed = False

    def end(self) -> None:
        """Take note that the reading has ended, with or without a result."""
        now = self.clock()
        started = now if self._started is None else self._started
        self._not_before = started + max(FAILED_AGE_SECONDS, (now - started) / READING_SHARE)
        self._started = None
