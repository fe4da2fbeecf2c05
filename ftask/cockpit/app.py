"""The cockpit as a Textual app: its main screen, its readings, and how it ends."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import OptionList

from ftask.cockpit import background
from ftask.cockpit.actions import Actions
from ftask.cockpit.board import Board, GroupRow, Row, TaskRow
from ftask.cockpit.operations import Ending, Operations, of_group
from ftask.cockpit.readings import Readings, error_text
from ftask.cockpit.screens import GroupScreen, Help, MainScreen, Question, TaskScreen
from ftask.cockpit.widgets import THEME, RowList, SafeText, StatusLine
from ftask.core.errors import FtaskError
from ftask.render import cockpit as pictures
from ftask.selection.error_kinds import FailureGroup
from ftask.selection.filter import TaskFilter

# How long an end by a signal may take.
_GIVE_UP_SECONDS = 10
# Rows of the terminal from which on the graphs have this height, see cockpit.tcss.
_BREAKPOINTS = [(0, "-low"), (20, "-short"), (32, "-medium"), (45, "-tall")]
SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


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
        Binding("ctrl+z", "suspend_process", priority=True),
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
        self._said: tuple[str, str] = ("", "")
        self._readings = Readings(self, interval_seconds, count, has_ended)
        # Why the stage cannot be read at the moment, or why no task runs.
        self._problem: str | None = None
        self._safe = SafeText()
        self._main = MainScreen(self.board, stage_name, operations.task_type, self.status_text)

    def get_default_screen(self) -> Screen[Any]:
        return self._main

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [self._safe, *super().get_line_filters()]

    def on_load(self) -> None:
        # Before anything is drawn.
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self.end, Ending(signal=number))

    def on_ready(self) -> None:
        self._readings.start()

    def on_finished(self, message: background.Finished) -> None:
        if self._main.is_drawn:  # and not on its way to the end
            message.then()

    # What is shown

    def show_board(self) -> Sequence[Row]:
        """Show the board, and the task that is open, as they are now; return the rows of the board."""
        rows = self._main.show()
        screen = self.screen
        if isinstance(screen, TaskScreen) and not screen.opened.task.status.terminal:
            self.actions.refresh_task(screen)
        return rows

    def changed(self) -> None:
        """Read what a change made here has changed."""
        self._readings.changed()
        if isinstance(self.screen, TaskScreen):
            self.actions.refresh_task(self.screen)

    def say(self, text: str, style: str = "") -> None:
        """Say what happened, until something else happens."""
        if (text, style) != self._said:
            self._said = (text, style)
            self._show_status()

    def say_error(self, error: FtaskError) -> None:
        """Say what failed, and what to do; the cockpit goes on."""
        self.say(error_text(error), "red")

    def say_problem(self, text: str | None) -> None:
        """Say why the stage cannot be read, or why no task runs, until that has changed: None."""
        if text != self._problem:
            self._problem = text
            self._show_status()

    def _show_status(self) -> None:
        for screen in self.screen_stack:
            for line in screen.query(StatusLine):
                line.show()

    def status_text(self) -> Any:
        """Return what the status line of every screen says."""
        return pictures.message(self._problem, "red") if self._problem else pictures.message(*self._said)

    # Keys

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        row = event.option_list.selected if isinstance(event.option_list, RowList) else None
        match row:
            case GroupRow(group):
                self.actions.open_group(group)
            case TaskRow(failure):
                self.actions.open_task(failure.task_id)

    def on_main_screen_id_entered(self, message: MainScreen.IdEntered) -> None:
        self.actions.find_task(message.digits)

    @property
    def _subject(self) -> FailureGroup | str | None:
        screen = self.screen
        return screen.subject if isinstance(screen, MainScreen | TaskScreen | GroupScreen) else None

    def action_redrive(self) -> None:
        match self._subject:
            case str(task_id):
                self.actions.redrive(TaskFilter(task_ids=frozenset({task_id})), f"task {task_id}")
            case FailureGroup() as group:
                self.actions.redrive(of_group(group), f"{group.task_type}  {group.text}")

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
            self.end(Ending())
            return
        details = ["Redriven tasks run; the others are unchanged."]
        self.push_screen(
            Question("Stop what runs, and quit?", details), lambda yes: self.end(Ending()) if yes else None
        )

    def action_interrupt(self) -> None:
        self.end(Ending(signal=signal.SIGINT))

    def end(self, ending: Ending) -> None:
        """End the cockpit."""
        if ending.signal in (signal.SIGTERM, signal.SIGHUP):
            # Where the terminal is gone, writing to it may block: then SIGALRM ends the process.
            signal.alarm(_GIVE_UP_SECONDS)
        self.exit(ending)


def run(cockpit: Cockpit) -> Ending:
    """Run the cockpit until it ends; the terminal is then as before."""
    try:
        # Without the mouse, so that the terminal's own selection copies ids and errors.
        ending = cockpit.run(mouse=False) or Ending()
    finally:
        note = cockpit.actions.stop()
    if cockpit.return_code and ending == Ending():
        ending = Ending(error=FtaskError("The cockpit has ended by a bug in ftask.", "Please report what is above."))
    return replace(ending, note=note)
