"""What the keys start: open, redrive and cancel. One change at a time, each after a question."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ftask.actions.cancel import CancelResult
from ftask.actions.redrive import RedriveTally
from ftask.cockpit import background
from ftask.cockpit.board import TaskRow
from ftask.cockpit.operations import OpenTask, of_group
from ftask.cockpit.screens import GroupScreen, Question, TaskScreen
from ftask.core.errors import FtaskError
from ftask.core.letters import Verdict
from ftask.core.text import plural
from ftask.ops.top import FailedAttempt
from ftask.render.dead_letters import VERDICTS
from ftask.render.tasks import cancellation_text
from ftask.selection.error_kinds import FailureGroup
from ftask.selection.filter import TaskFilter

if TYPE_CHECKING:
    from ftask.cockpit.app import Cockpit

T = TypeVar("T")

# What a redrive met on its way: letters of other tasks, and those that have nothing left to do.
_UNTOLD = frozenset({Verdict.SKIPPED, Verdict.STALE})
# How long quitting waits for the batch of a redrive that is on its way.
_STOP_SECONDS = 5


class Actions:
    """The changes that one cockpit makes, and the pages that it opens."""

    def __init__(self, app: Cockpit) -> None:
        self._app = app
        self._operations = app.operations
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._is_refreshing = False
        self._done = self._total = 0
        # What runs now, in words; None if nothing does.
        self.running: str | None = None

    def open_task(self, task_id: str) -> None:
        """Open the task."""
        self._app.say("Reading the task…")
        self._read(lambda: self._operations.task(task_id), self._show_task)

    def find_task(self, digits: str) -> None:
        """Open the task whose id begins with these digits."""

        def note(text: str) -> None:
            background.post(self._app, lambda: self._app.say(text))

        self._app.say("Reading the task…")
        self._read(lambda: self._operations.find(digits, note), self._show_task)

    def _show_task(self, opened: OpenTask) -> None:
        self._app.say("")
        self._app.push_screen(TaskScreen(opened, self._app.status_text))

    def refresh_task(self, screen: TaskScreen) -> None:
        """Show the current state of the open task, unless it is being read already."""

        def show(opened: OpenTask) -> None:
            self._is_refreshing = False
            if screen.is_attached:
                screen.show(opened)

        def failed(error: FtaskError) -> None:
            self._is_refreshing = False
            self._app.say_error(error)

        if not self._is_refreshing:
            self._is_refreshing = True
            background.call(self._app, lambda: self._operations.task(screen.subject), show, failed)

    def open_group(self, group: FailureGroup) -> None:
        """Open the kind of error."""
        board = self._app.board
        selection = of_group(group)
        tasks = [FailedAttempt.of(task) for task in board.failed.tasks if selection.matches_failed(task)]

        def show(example: dict[str, Any] | None) -> None:
            self._app.say("")
            rows = [TaskRow(task) for task in tasks]
            self._app.push_screen(GroupScreen(group, example, rows, self._app.status_text))

        self._app.say("Reading the newest example…")
        self._read(lambda: self._operations.example(group), show)

    def redrive(self, task_filter: TaskFilter, what: str) -> None:
        """Count the selected tasks, ask, and redrive them."""
        if self._is_busy():
            return
        self._begin("Counting the failed tasks…")

        def ask(count: int) -> None:
            self.running = None
            self._app.say("" if count else "No failed task matches any more. Nothing changed.")
            if count:
                self._ask(
                    f"Redrive {plural(count, 'failed task')} of stage {self._app.stage_name}?",
                    what,
                    lambda: self._redrive(task_filter, count),
                )

        self._change(lambda: self._operations.count(task_filter), ask)

    def _redrive(self, task_filter: TaskFilter, total: int) -> None:
        if self._is_busy():
            return
        self._done, self._total = 0, total
        self._stopped.clear()
        self._begin(f"Redriving: 0 of {total:,}")
        self._thread = self._change(
            lambda: self._operations.redrive(task_filter, self._progress, self._stopped.is_set), self._redriven
        )

    def _progress(self, count: int) -> None:
        self._done = count
        text = f"Redriving: {count:,} of {self._total:,}"
        background.post(self._app, lambda: self._begin(text) if self.running else None)

    def _redriven(self, tally: RedriveTally) -> None:
        counts = tally.counts
        shown = {Verdict.DONE: "redriven"} | {verdict: VERDICTS[verdict] for verdict in VERDICTS if counts[verdict]}
        text = ", ".join(f"{counts[verdict]:,} {words}" for verdict, words in shown.items() if verdict not in _UNTOLD)
        if counts[Verdict.UNSENT]:
            text += ". SQS did not accept all messages: press r again"
        self._end(f"Redrive: {text}.", "yellow" if counts[Verdict.UNSENT] else "green")

    def cancel(self, task_id: str) -> None:
        """Ask, and cancel the task."""
        if self._is_busy():
            return

        def run() -> None:
            self._begin("Cancelling…")
            self._change(lambda: self._operations.cancel(task_id), self._cancelled)

        self._ask("Cancel this task? A running attempt may finish; no further one begins.", f"task {task_id}", run)

    def _cancelled(self, result: CancelResult) -> None:
        style = "green" if result.is_effective else "yellow"
        self._end(f"Task {result.task_id}: {cancellation_text(result)}.", style)

    def stop(self) -> str | None:
        """Stop a redrive that runs, at the end of the cockpit; return its result."""
        if self._thread is None or not self._thread.is_alive():
            return None
        self._stopped.set()
        self._thread.join(_STOP_SECONDS)
        return (
            f"The redrive was stopped after {self._done:,} of {plural(self._total, 'task')}. Redriven tasks run; the"
            " others are unchanged."
        )

    def _ask(self, question: str, detail: str, then: Callable[[], None]) -> None:
        self._app.push_screen(
            Question(question, [detail]), lambda yes: then() if yes else self._app.say("Nothing changed.")
        )

    def _is_busy(self) -> bool:
        if self.running:
            self._app.say(f"{self.running} Wait until it has ended.")
        return self.running is not None

    def _begin(self, text: str) -> None:
        self.running = text
        self._app.say(text)

    def _end(self, text: str, style: str) -> None:
        self.running = None
        self._app.say(text, style)
        self._app.changed()

    def _read(self, work: Callable[[], T], done: Callable[[T], None]) -> None:
        background.call(self._app, work, done, self._app.say_error)

    def _change(self, work: Callable[[], T], done: Callable[[T], None]) -> threading.Thread:
        return background.call(self._app, work, done, self._failed)

    def _failed(self, error: FtaskError) -> None:
        self.running = None
        self._app.say_error(error)
