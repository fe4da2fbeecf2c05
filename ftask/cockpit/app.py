"""The cockpit as a Textual app: its main screen, its readings, and how it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import OptionList

from ftask.cockpit import background
from ftask.cockpit.actions import Actions
from ftask.cockpit.board import Board
from ftask.cockpit.dialogs import Help, Question
from ftask.cockpit.look import THEME, SafeText
from ftask.cockpit.main_screen import MainScreen
from ftask.cockpit.operations import Operations, of_group
from ftask.cockpit.pages import GroupScreen, TaskScreen
from ftask.cockpit.readings import FailedReading
from ftask.cockpit.rows import GroupRow, TaskRow
from ftask.cockpit.widgets import RowList, StatusLine
from ftask.core.errors import FtaskError
from ftask.dead_letters.grouping import FailureGroup
from ftask.dead_letters.selection import Selection
from ftask.ops.failed_tasks import FailedTasks
from ftask.ops.top import StageSnapshot
from ftask.render import cockpit as pictures

# How long an end by a signal may take.
_GIVE_UP_SECONDS = 10
# Rows of the terminal from which on the graphs have this height, see cockpit.tcss.
_BREAKPOINTS = [(0, "-low"), (20, "-short"), (32, "-medium"), (45, "-tall")]
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the cockpit ended: by a signal, by an error that the command reports, or because the user quit.

    `note` says what became of a redrive that ran.
    """

    signal: signal.Signals | None = None
    error: Exception | None = None
    note: str | None = None


class Cockpit(App[Ending]):
    """Shows a stage and operates it, until the user quits or the stage's engine ends."""

    CSS_PATH = "cockpit.tcss"  # of this folder
    ENABLE_COMMAND_PALETTE = False
    VERTICAL_BREAKPOINTS = _BREAKPOINTS
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit"),
        Binding("ctrl+c", "interrupt", priority=True),
        Binding("r", "redrive"),
        Binding("c", "cancel"),
        Binding("question_mark", "help"),
    ]

    def __init__(
        self,
        operations: Operations,
        stage_name: str,
        *,
        interval_seconds: float = 2.0,
        count: int = 0,
        has_ended: Callable[[], bool] = lambda: False,
    ) -> None:
        super().__init__(ansi_color=True)
        self.register_theme(THEME)
        self.theme = THEME.name
        self.operations = operations
        self.stage_name = stage_name
        self.board = Board()
        self.actions = Actions(self)
        self.status: tuple[str, str] = ("", "")
        self.crash: Exception | None = None
        self._interval_seconds = interval_seconds
        self._count = count
        self._readings = 0
        self._has_ended = has_ended
        self._failed_reading = FailedReading()
        self._is_reading = False
        # Why the stage cannot be read at the moment.
        self._problem: str | None = None
        self._safe = SafeText()
        self._main = MainScreen(self.board, stage_name, operations.task_type, self.status_text)

    def get_default_screen(self) -> Screen[Any]:
        return self._main

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [self._safe, *super().get_line_filters()]

    def on_mount(self) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._end, Ending(signal=number))

    def on_ready(self) -> None:
        self.set_interval(self._interval_seconds, self._read)
        self._read()
        self.changed()

    # Readings

    def _read(self) -> None:
        if self.board.paused or self._is_reading:
            return
        self._is_reading = True
        background.call(self, self._snapshot, self._show_snapshot, self._unreadable)

    def _snapshot(self) -> StageSnapshot | Ending:
        try:
            return self.operations.snapshot()
        except FtaskError as error:
            if self._has_ended():
                return Ending(error=error)
            raise

    def _show_snapshot(self, snapshot: StageSnapshot | Ending) -> None:
        self._is_reading = False
        if isinstance(snapshot, Ending):
            self._end(snapshot)
            return
        self._problem = None
        self._show_status()
        self.board.history.append(snapshot)
        self._failed_reading.see(snapshot)
        self._read_failed()
        self._main.show()
        self._refresh_task()
        self._readings += 1
        if self._readings == self._count:
            self._end(Ending())

    def _unreadable(self, error: FtaskError) -> None:
        self._is_reading = False
        self._problem = f"{_text(error)} Trying again every {self._interval_seconds:g} s."
        self._show_status()

    def changed(self) -> None:
        """Read the failed tasks anew, and the task that is open, after a change made here."""
        self._failed_reading.changed()
        self._read_failed()
        self._refresh_task(changed=True)

    def _refresh_task(self, *, changed: bool = False) -> None:
        screen = self.screen
        if isinstance(screen, TaskScreen) and (changed or not screen.opened.task.status.terminal):
            self.actions.refresh_task(screen)

    def _read_failed(self) -> None:
        if self.board.paused or not self._failed_reading.is_due():
            return
        self._failed_reading.begin()
        background.call(self, self.operations.failed_tasks, self._show_failed, self._failed_unreadable)

    def _show_failed(self, failed: FailedTasks) -> None:
        self._failed_reading.end()
        self.board.failed = failed
        self._main.show()
        self._read_failed()

    def _failed_unreadable(self, error: FtaskError) -> None:
        self._failed_reading.end()
        self.say_error(error)

    def on_finished(self, message: background.Finished) -> None:
        if self._main.is_drawn:  # and not on its way to the end
            message.then()

    # The status line

    def say(self, text: str, style: str = "") -> None:
        """Say what happened, until something else happens."""
        self.status = (text, style)
        self._show_status()

    def say_error(self, error: FtaskError) -> None:
        """Say what failed, and what to do; the cockpit goes on."""
        self.say(_text(error), "red")

    def _show_status(self) -> None:
        for screen in self.screen_stack:
            for line in screen.query(StatusLine):
                line.show()

    def status_text(self) -> Any:
        """Return what the status line of every screen says."""
        return pictures.message(self._problem, "red") if self._problem else pictures.message(*self.status)

    # Keys

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        row = event.option_list.selected if isinstance(event.option_list, RowList) else None
        match row:
            case GroupRow(group):
                self.actions.open_group(group)
            case TaskRow(failure):
                self.actions.open_task(failure.task_id)

    @property
    def _subject(self) -> FailureGroup | str | None:
        """The kind of error, or the id of the task, that is open or selected."""
        screen = self.screen
        return screen.subject if isinstance(screen, MainScreen | TaskScreen | GroupScreen) else None

    def action_redrive(self) -> None:
        match self._subject:
            case str(task_id):
                self.actions.redrive(Selection(task_ids=frozenset({task_id})), f"task {task_id}")
            case FailureGroup() as group:
                self.actions.redrive(of_group(group), group.text)

    def action_cancel(self) -> None:
        match self._subject:
            case str(task_id):
                self.actions.cancel(task_id)
            case FailureGroup():
                self.say("Failed tasks have ended. Select a task that is retried to cancel it.", "yellow")

    def action_help(self) -> None:
        self.push_screen(Help())

    # The end

    async def action_quit(self) -> None:
        if self.actions.running is None:
            self._end(Ending())
            return
        details = ["Redriven tasks run; the others are unchanged."]
        self.push_screen(
            Question("Stop what runs, and quit?", details), lambda yes: self._end(Ending()) if yes else None
        )

    def action_interrupt(self) -> None:
        self._end(Ending(signal=signal.SIGINT))

    def _end(self, ending: Ending) -> None:
        if ending.signal in (signal.SIGTERM, signal.SIGHUP):
            # Where the terminal is gone, writing to it may block: then SIGALRM ends the process.
            signal.alarm(_GIVE_UP_SECONDS)
        self.exit(ending)

    def _handle_exception(self, error: Exception) -> None:
        # Textual prints a traceback; the command says one sentence, and prints the traceback with FTASK_DEBUG.
        self.crash = self.crash or error
        super()._handle_exception(error)

    def _print_error_renderables(self) -> None:
        self._exit_renderables.clear()


def run(cockpit: Cockpit) -> Ending:
    """Run the cockpit until it ends; the terminal is as before afterwards, however it ends.

    Raises:
        Exception: what went wrong in it, a defect.
    """
    try:
        ending = cockpit.run() or Ending()
    finally:
        note = cockpit.actions.stop()
    if cockpit.crash is not None:
        raise cockpit.crash
    return replace(ending, note=note)


def _text(error: FtaskError) -> str:
    return f"{error.message} {error.hint}" if error.hint else error.message
