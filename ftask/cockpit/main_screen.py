"""The main screen: graphs, figures, the kinds of error and the tasks that failed last."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.widgets import Input, OptionList

from ftask.cockpit.board import Board
from ftask.cockpit.keys import board_keys
from ftask.cockpit.rows import GroupRow, Row, TaskRow
from ftask.cockpit.widgets import KeyLine, Painted, RowList, StatusLine
from ftask.ops.top import StageSnapshot
from ftask.render import cockpit as pictures
from ftask.selection.error_kinds import FailureGroup

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
        """Return the readings that graphs of this width show, at least one."""
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
