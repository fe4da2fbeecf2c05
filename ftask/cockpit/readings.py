"""What the cockpit reads without a key: a snapshot each interval, and the failed tasks where they have changed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ftask.cockpit import background
from ftask.cockpit.board import TaskRow
from ftask.cockpit.operations import Ending
from ftask.core.errors import FtaskError
from ftask.ops.top import FAILED_AGE_SECONDS, READING_SHARE, FailedAttempt, StageSnapshot
from ftask.selection.failed import FailedTasks

if TYPE_CHECKING:
    from ftask.cockpit.app import Cockpit


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


class Readings:
    """Keeps the board of one cockpit up to date, unless its view is paused."""

    def __init__(self, app: Cockpit, interval_seconds: float, count: int, has_ended: Callable[[], bool]) -> None:
        """`count` readings end the cockpit, 0 never; `has_ended` says whether the stage can ever answer again."""
        self._app = app
        self._board = app.board
        self._interval_seconds = interval_seconds
        self._count = count
        self._has_ended = has_ended
        self._number = 0
        self._is_reading = False
        self._failed_reading = FailedReading()
        self._remembered: list[str] = []

    def start(self) -> None:
        """Read now, and each interval."""
        self._app.set_interval(self._interval_seconds, self._read)
        self._read()
        self.read_failed()

    def changed(self) -> None:
        """Read the failed tasks at once, after a change made here."""
        self._failed_reading.changed()
        self.read_failed()

    def _read(self) -> None:
        if self._board.paused or self._is_reading:
            return
        self._is_reading = True
        background.call(self._app, self._snapshot, self._show, self._unreadable)

    def _snapshot(self) -> StageSnapshot | Ending:
        try:
            return self._app.operations.snapshot()
        except FtaskError as error:
            if self._has_ended():
                return Ending(error=error)
            raise

    def _show(self, snapshot: StageSnapshot | Ending) -> None:
        self._is_reading = False
        if isinstance(snapshot, Ending):
            self._app.end(snapshot)
            return
        self._app.say_problem(snapshot.problem)
        self._board.history.append(snapshot)
        self._failed_reading.see(snapshot)
        self.read_failed()
        self._show_board()
        self._number += 1
        if self._number == self._count:
            self._app.end(Ending())

    def _show_board(self) -> None:
        rows = self._app.show_board()
        shown = [row.failure.task_id for row in rows if isinstance(row, TaskRow)]
        if shown != self._remembered:
            self._remembered = shown
            background.call(
                self._app, lambda: self._app.operations.remember(shown), lambda _: None, self._app.say_error
            )

    def _unreadable(self, error: FtaskError) -> None:
        self._is_reading = False
        self._app.say_problem(f"{error_text(error)} Trying again every {self._interval_seconds:g} s.")

    def read_failed(self) -> None:
        """Read the failed tasks if it is time to."""
        if self._board.paused or not self._failed_reading.is_due():
            return
        self._failed_reading.begin()
        background.call(self._app, self._app.operations.failed_tasks, self._show_failed, self._failed_unreadable)

    def _show_failed(self, failed: FailedTasks) -> None:
        self._failed_reading.end()
        self._board.failed = failed
        self._show_board()
        self.read_failed()

    def _failed_unreadable(self, error: FtaskError) -> None:
        self._failed_reading.end()
        self._app.say_error(error)


def error_text(error: FtaskError) -> str:
    """Return what failed, and what to do."""
    return f"{error.message} {error.hint}" if error.hint else error.message
