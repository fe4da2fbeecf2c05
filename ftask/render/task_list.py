"""A list of tasks: one per row, in the columns that the reader has chosen."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.text import Text

from ftask.core.model import Task
from ftask.core.text import plural
from ftask.render.statuses import have_types, status_text
from ftask.render.tables import plain_table
from ftask.render.tasks import attempts_text, countdown
from ftask.render.texts import ago, clock_time, one_line


@dataclass(frozen=True, slots=True)
class View:
    """When a list is drawn, and how it shows the ids of its tasks."""

    now: datetime
    ids: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its cells, and whether it is `elastic`: of long texts, which share what the others leave."""

    cell: Callable[[Task, View], str | Text]
    justify: Literal["left", "right"] = "left"
    elastic: bool = False


COLUMNS: Mapping[str, Column] = {
    "task": Column(lambda task, view: view.ids[task.task_id]),
    "type": Column(lambda task, view: task.type),
    "status": Column(lambda task, view: status_text(task.status)),
    "attempts": Column(lambda task, view: attempts_text(task)),
    "redrives": Column(lambda task, view: str(task.epoch), "right"),
    "created": Column(lambda task, view: ago(task.created_at, view.now), "right"),
    "updated": Column(lambda task, view: ago(task.updated_at, view.now), "right"),
    "ended": Column(lambda task, view: ago(task.ended_at, view.now) if task.ended_at else "", "right"),
    "next": Column(lambda task, view: countdown(task, view.now), "right"),
    "error": Column(lambda task, view: _error(task), elastic=True),
    "payload": Column(lambda task, view: task.payload or "", elastic=True),
    "result": Column(lambda task, view: task.result or "", elastic=True),
}
# Lines of a terminal that a watched list leaves: headings, summary, and the prompt that follows the end.
_OTHER_LINES = 3
# A column whose widest cell has at most this many characters is never cut.
_NEVER_CUT = 32
DEFAULT_COLUMNS = ("task", "type", "status", "attempts", "created", "next", "error")


def _error(task: Task) -> Text:
    error = task.last_error
    return Text() if error is None else Text(one_line(f"{error.type}: {error.message}"), style="red")


def task_table(
    tasks: Sequence[Task], now: datetime, ids: Mapping[str, str], columns: Sequence[str] = ()
) -> RenderableType:
    """Draw one task per row; `ids` are their ids as they are shown.

    `columns` are names of `COLUMNS`. By default they are those that most tasks need, with the type only where a type
    of the user's own occurs, and the next attempt only where one is planned.
    """
    is_shown = {
        "type": have_types(task.type for task in tasks),
        "next": any(task.next_attempt_at is not None for task in tasks),
    }
    names = columns or [name for name in DEFAULT_COLUMNS if is_shown.get(name, True)]
    view = View(now, ids)
    rows = [[COLUMNS[name].cell(task, view) for name in names] for task in tasks]
    elastic = {
        name: max((cell_len(str(row[number])) for row in rows), default=0) > _NEVER_CUT
        for number, name in enumerate(names)
        if COLUMNS[name].elastic
    }
    table = plain_table(expand=any(elastic.values()))
    for name in names:
        ratio = 1 if elastic.get(name) else None
        table.add_column(name, no_wrap=True, overflow="ellipsis", justify=COLUMNS[name].justify, ratio=ratio)
    for row in rows:
        table.add_row(*row)
    return table


def row_text(task: Task, now: datetime, columns: Sequence[str]) -> str:
    """Return the columns of one task as one line, with its whole id."""
    view = View(now, {task.task_id: task.task_id})
    return "  ".join(str(COLUMNS[name].cell(task, view)) for name in columns)


def watched_list(
    tasks: Sequence[Task], now: datetime, ids: Mapping[str, str], columns: Sequence[str], height: int
) -> RenderableType:
    """Draw the tasks as `task_table` does, as many as a terminal of `height` lines has room for, and a summary."""
    rows = tasks[: max(1, height - _OTHER_LINES)]
    more = "" if len(rows) == len(tasks) else f", {len(tasks) - len(rows):,} of them not shown"
    summary = Text(f"{clock_time(now)}  {plural(len(tasks), 'task')}{more}; Ctrl-C ends", style="dim")
    return Group(task_table(rows, now, ids, columns), summary)
