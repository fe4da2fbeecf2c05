"""What the cockpit reads without a key: a snapshot each interval, and the failed tasks where they have changed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from ftask.cockpit import background
from ftask.cockpit.board import TaskRow
from ftask.cockpit.operations import Ending
from ftask.core.errors import FtaskError
from ftask.ops.top import FailedAttempt, StageSnapshot
from ftask.selection.failed import FailedTasks

if TYPE_CHECKING:
    from ftask.cockpit.app import Cockpit


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
        # Whether the next reading reads the failed tasks too, whatever the snapshot says; the second one does.
        self._is_changed = False
        self._counted_at: datetime | None = None
        self._seen: tuple[int, FailedAttempt | None] | None = None
        self._remembered: list[str] = []

    def start(self) -> None:
        """Read now, and each interval."""
        self._app.set_interval(self._interval_seconds, self._read)
        self._read()

    def changed(self) -> None:
        """Read at once, after a change made here."""
        self._is_changed = True
        self._read()

    def _read(self) -> None:
        if self._board.paused or self._is_reading:
            return
        self._is_reading = True
        is_changed, self._is_changed = self._is_changed, not self._board.history
        background.call(self._app, lambda: self._stage(is_changed), self._show, self._unreadable)

    def _stage(self, is_changed: bool) -> tuple[StageSnapshot, FailedTasks | None] | Ending:
        """Return a snapshot, and the failed tasks if they have changed."""
        operations = self._app.operations
        try:
            snapshot = operations.snapshot()
            return snapshot, operations.failed_tasks() if self._has_changed(snapshot) or is_changed else None
        except FtaskError as error:
            if self._has_ended():
                return Ending(error=error)
            raise

    def _has_changed(self, snapshot: StageSnapshot) -> bool:
        """Whether a task has failed, or was redriven, since the last count: seldom where counting is slow."""
        if snapshot.failed_at == self._counted_at:
            return False
        before, self._counted_at = self._seen, snapshot.failed_at
        self._seen = snapshot.failed, next((failure for failure in snapshot.failures if failure.final), None)
        return before is not None and self._seen != before

    def _show(self, reading: tuple[StageSnapshot, FailedTasks | None] | Ending) -> None:
        self._is_reading = False
        if isinstance(reading, Ending):
            self._app.end(reading)
            return
        snapshot, failed = reading
        self._app.say_problem(snapshot.problem)
        self._board.history.append(snapshot)
        self._board.failed = failed or self._board.failed
        self._show_board()
        self._number += 1
        if self._number == self._count:
            self._app.end(Ending())
        elif self._is_changed:
            self._read()

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
        self._is_changed = True
        self._app.say_problem(f"{error_text(error)} Trying again every {self._interval_seconds:g} s.")


def error_text(error: FtaskError) -> str:
    """Return what failed, and what to do."""
    return f"{error.message} {error.hint}" if error.hint else error.message
