"""The pages that Enter opens: a task, and a kind of error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widgets import Static

from ftask.cockpit.keys import group_keys, task_keys
from ftask.cockpit.operations import OpenTask
from ftask.cockpit.rows import Heading, Row, TaskRow
from ftask.cockpit.widgets import KeyLine, Painted, RowList, StatusLine
from ftask.render import cockpit as pictures
from ftask.selection.error_kinds import FailureGroup


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
