"""The screens: the board, the pages that Enter opens, and the dialogs over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.message import Message
from textual.screen import ModalScreen, Screen
from textual.widgets import Input, OptionList, Static

from ftask.cockpit.board import HELP, Board, GroupRow, Heading, Row, TaskRow, board_keys, group_keys, task_keys
from ftask.cockpit.operations import OpenTask
from ftask.cockpit.widgets import KeyLine, Painted, RowList, StatusLine
from ftask.ops.top import StageSnapshot
from ftask.render import cockpit as pictures
from ftask.selection.error_kinds import FailureGroup


class Dialog(ModalScreen[bool]):
    """A box in the middle of the screen."""


class Question(Dialog):
    """Asks; only `y` means yes, and Enter means no, as where a command asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)"),
        Binding("n,enter,escape,q,ctrl+c", "answer(False)"),
    ]

    def __init__(self, text: str, details: Sequence[str] = ()) -> None:
        super().__init__()
        self._text = text
        self._details = details

    def compose(self) -> ComposeResult:
        yield Static(pictures.question(self._text, self._details), markup=False)

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Help(Dialog):
    """What each key does; any key closes it."""

    def compose(self) -> ComposeResult:
        yield Static(pictures.help_page(HELP), markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(False)


Paint = Callable[[StageSnapshot, int, int], Any]


class FilterInput(Input):
    """The text of the filter, shown while it is typed."""


class MainScreen(Screen[None]):
    """The board, with what is selected on it."""

    class IdEntered(Message):
        """The user looks for the task whose id begins with these digits."""

        def __init__(self, digits: str) -> None:
            super().__init__()
            self.digits = digits

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter"),
        Binding("escape", "show_all"),
        Binding("p", "pause"),
    ]

    def __init__(self, board: Board, stage_name: str, task_type: str | None, status: Callable[[], Any]) -> None:
        super().__init__()
        self._board = board
        self._stage_name = stage_name
        self._task_type = task_type
        self._status = status

    def compose(self) -> ComposeResult:
        def head(width: int, _: int) -> Any:
            board = self._board
            return pictures.head(board.latest, self._stage_name, self._task_type, width, paused=board.paused)

        yield Painted(head)
        yield self._painted(self._attempts_title)
        yield self._graph("completed_rate", "graph")
        yield self._graph("failed_attempts_rate", "strip")
        yield self._painted(self._queue_title)
        yield self._graph("waiting", "graph")
        yield self._graph("in_flight", "strip")
        yield self._painted(lambda latest, width, _: pictures.figures(latest, width), classes="figures")
        yield RowList()
        yield FilterInput(placeholder="text in the error, the type or the id")
        yield StatusLine(self._status)
        yield KeyLine(lambda: board_keys(self._board, self.selected))

    def _painted(self, paint: Paint, classes: str = "") -> Painted:
        def paint_latest(width: int, height: int) -> Any:
            latest = self._board.latest
            return "" if latest is None else paint(latest, width, height)

        return Painted(paint_latest, classes=classes)

    def _graph(self, name: str, classes: str) -> Painted:
        def paint(_: StageSnapshot, width: int, height: int) -> Any:
            return pictures.bars(self._values(name, width), width, height, pictures.GRAPH_STYLES[name])

        return self._painted(paint, classes)

    def _attempts_title(self, latest: StageSnapshot, width: int, _: int) -> Any:
        span = latest.at - self._shown(width)[0].at
        return pictures.attempts_title(latest, width, max(self._values("completed_rate", width)), span.total_seconds())

    def _queue_title(self, latest: StageSnapshot, width: int, _: int) -> Any:
        return pictures.queue_title(latest, width, max(self._values("waiting", width)))

    def _values(self, name: str, width: int) -> list[float]:
        return [getattr(snapshot, name) for snapshot in self._shown(width)]

    def _shown(self, width: int) -> list[StageSnapshot]:
        return list(self._board.history)[-max(1, width) :]

    @property
    def is_drawn(self) -> bool:
        """Whether it has its parts: not at the very beginning, and not once the cockpit ends."""
        return bool(self.query(RowList))

    @property
    def selected(self) -> Row | None:
        return self.query_one(RowList).selected

    @property
    def subject(self) -> FailureGroup | str | None:
        """The kind of error, or the id of the task, that is selected."""
        match self.selected:
            case GroupRow(group):
                return group
            case TaskRow(failure):
                return failure.task_id
        return None

    def on_mount(self) -> None:
        self.query_one(RowList).focus()
        self.show()

    def show(self) -> Sequence[Row]:
        """Draw the board; return its rows."""
        rows = self._board.rows()
        self.query_one(RowList).show(rows)
        for painted in self.query(Painted):
            painted.refresh()
        return rows

    @on(OptionList.OptionHighlighted)
    def _selection_changed(self) -> None:
        self.query_one(KeyLine).refresh()

    def action_filter(self) -> None:
        field = self.query_one(FilterInput)
        field.add_class("-open")
        field.focus()

    @on(Input.Changed)
    def _filter_changed(self, event: Input.Changed) -> None:
        self._board.filter = event.value.strip()
        self.show()

    @on(Input.Submitted)
    def _filter_done(self) -> None:
        if (digits := self._board.looked_for) is not None:
            self.post_message(self.IdEntered(digits))
        if not self._board.filter:
            self.query_one(FilterInput).remove_class("-open")
        self.query_one(RowList).focus()

    def action_show_all(self) -> None:
        field = self.query_one(FilterInput)
        field.value = ""
        field.remove_class("-open")
        self.query_one(RowList).focus()

    def action_pause(self) -> None:
        self._board.paused = not self._board.paused
        self.show()


class Page(Screen[None]):
    """A screen that Escape leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,left,backspace", "leave")]

    def __init__(self, status: Callable[[], Any]) -> None:
        super().__init__()
        self.status = status

    def action_leave(self) -> None:
        self.dismiss()


class TaskScreen(Page):
    """A task in full."""

    def __init__(self, opened: OpenTask, status: Callable[[], Any]) -> None:
        super().__init__(status)
        self.opened = opened

    @property
    def subject(self) -> str:
        return self.opened.task.task_id

    def compose(self) -> ComposeResult:
        yield Painted(lambda width, _: pictures.heading("Task", width))
        with VerticalScroll():
            yield Static(self._page(), markup=False)
        yield StatusLine(self.status)
        yield KeyLine(lambda: task_keys(self.opened.task.status))

    def show(self, opened: OpenTask) -> None:
        """Show the current state of the task."""
        self.opened = opened
        self.query_one(VerticalScroll).query_one(Static).update(self._page())
        self.query_one(KeyLine).refresh()

    def _page(self) -> Any:
        return pictures.task_page(self.opened.value, self.opened.traceback, self.opened.note)


class GroupScreen(Page):
    """A kind of error: its newest example, and its tasks."""

    def __init__(
        self,
        group: FailureGroup,
        example: dict[str, Any] | None,
        tasks: Sequence[TaskRow],
        status: Callable[[], Any],
    ) -> None:
        super().__init__(status)
        self.subject = group
        self._example = example
        self._tasks = tasks

    def compose(self) -> ComposeResult:
        yield Painted(lambda width, _: pictures.heading("Kind of error, with its newest example", width))
        with VerticalScroll():
            yield Static(pictures.group_page(self.subject, self._example), markup=False)
        yield Painted(lambda *_: "", classes="space")
        yield RowList()
        yield StatusLine(self.status)
        yield KeyLine(lambda: group_keys(bool(self._tasks)))

    def on_mount(self) -> None:
        rows: list[Row] = [Heading(f"Its tasks, newest first ({len(self._tasks):,})"), *self._tasks]
        self.query_one(RowList).show(rows)
        self.query_one(RowList).focus()
