"""What the main screen shows, as values: its readings, its rows, which row is selected, and the keys that apply."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from ftask.core.failed_index import FailedTask
from ftask.core.model import Status
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.ops.top import FailedAttempt, StageSnapshot, recent_failures
from ftask.render import cockpit as pictures
from ftask.render.texts import MIN_DIGITS, shorten
from ftask.selection.error_kinds import FailureGroup, error_kind, group_failures
from ftask.selection.failed import NO_FAILED_TASKS, FailedTasks


@dataclass(frozen=True, slots=True)
class Heading:
    """A line that cannot be selected."""

    text: str

    @property
    def key(self) -> str:
        return f"heading {self.text}"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A kind of error."""

    group: FailureGroup

    @property
    def key(self) -> str:
        return f"group {self.group.task_type} {self.group.text}"


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task that failed recently."""

    failure: FailedAttempt

    @property
    def key(self) -> str:
        return f"task {self.failure.task_id}"


Row = Heading | GroupRow | TaskRow


def select(rows: Sequence[Row], before: Sequence[Row], key: str | None) -> str | None:
    """Return which row is selected after a change of the rows: the same one, else the one at its place."""
    keys = [row.key for row in rows if not isinstance(row, Heading)]
    if not keys:
        return None
    if key in keys:
        return key
    old_keys = [row.key for row in before if not isinstance(row, Heading)]
    place = old_keys.index(key) if key in old_keys else 0
    return keys[min(place, len(keys) - 1)]


def paint(rows: Sequence[Row], width: int, selected: int | None) -> list[Any]:
    """Draw the rows for this many columns; the one with the index `selected` goes without its colours."""
    names = [row.group.task_type for row in rows if isinstance(row, GroupRow)]
    names += [row.failure.type for row in rows if isinstance(row, TaskRow)]
    type_width = pictures.type_width(names)
    ids = shorten(row.failure.task_id for row in rows if isinstance(row, TaskRow))
    first_width = max(map(len, ids.values()), default=MIN_DIGITS)
    at = now()
    lines = []
    for index, row in enumerate(rows):
        match row:
            case Heading():
                line = pictures.heading(row.text, width)
            case GroupRow():
                line = pictures.group_line(row.group, at, width, first_width, type_width)
            case TaskRow():
                line = pictures.failure_line(row.failure, ids[row.failure.task_id], at, width, type_width)
        lines.append(pictures.selected(line, width) if index == selected else line)
    return lines


# As many readings as the widest terminal has columns.
HISTORY = 500
# A whole id of a task, or as many digits as the commands show at least.
_ID = re.compile(r"[0-9a-f]{8,32}")
# Tasks below the groups.
RECENT_TASKS = 100


@dataclass
class Board:
    """The state of the main screen. Readings and keys change it; `rows` follows from it."""

    history: deque[StageSnapshot] = field(default_factory=lambda: deque(maxlen=HISTORY))
    failed: FailedTasks = NO_FAILED_TASKS
    filter: str = ""
    paused: bool = False

    @property
    def latest(self) -> StageSnapshot | None:
        """The newest reading; None before the first one."""
        return self.history[-1] if self.history else None

    def rows(self) -> list[Row]:
        """Return the groups of failed tasks, the largest first, then the tasks that failed last."""
        groups = group_failures(self.failed.tasks)
        if self.filter:
            # A kind of error is shown whole if one of its tasks matches.
            kinds = {(task.type, error_kind(task.error)) for task in self.failed.tasks if self._has_match(task)}
            groups = [group for group in groups if (group.task_type, group.text) in kinds]
        attempts = self.latest.failures if self.latest else ()
        tasks = (
            failure
            for failure in recent_failures(attempts, self.failed.tasks)
            if self._matches(failure.task_id, failure.type, failure.error)
        )
        task_rows = [TaskRow(failure) for failure in islice(tasks, RECENT_TASKS)]
        if self.filter and not groups and not task_rows:
            is_id = _ID.fullmatch(self.filter.casefold())
            return [Heading("No row matches the filter." + (" Enter opens the task with this id." if is_id else ""))]
        rows: list[Row] = [Heading(self._groups_heading(groups)), *map(GroupRow, groups)]
        return [*rows, Heading("Recent failures"), *task_rows] if task_rows else rows

    @property
    def looked_for(self) -> str | None:
        """The id, or its first digits, that the filter has where no row matches it."""
        is_id = _ID.fullmatch(self.filter.casefold())
        return self.filter.casefold() if is_id and len(self.rows()) == 1 else None

    def _groups_heading(self, groups: Sequence[FailureGroup]) -> str:
        if not groups:
            return "No error matches the filter." if self.filter else "No failed task."
        count = sum(group.count for group in groups)
        which = plural(count, "failed task") if self.failed.complete else f"the newest {plural(count, 'failed task')}"
        return f"{plural(len(groups), 'kind')} of error in {which}"

    def _has_match(self, task: FailedTask) -> bool:
        return self._matches(task.task_id, task.type, task.text, error_kind(task.error))

    def _matches(self, *texts: str) -> bool:
        needle = self.filter.casefold()
        return any(needle in text.casefold() for text in texts)


# Key, and what it does, on the line of keys.
Key = tuple[str, str]

HELP: tuple[Key, ...] = (
    ("↑ ↓", "select a kind of error or a task; PgUp, PgDn, Home and End too"),
    (
        "Enter",
        "open it: a task with its attempts and its traceback, a kind of error with its newest example and its tasks",
    ),
    ("r", "redrive it: run the failed tasks again; asks first"),
    ("c", "cancel the task: no further attempt begins; asks first"),
    ("/", "filter by a text in the error, the type or the id, or open any task by its id; Esc shows all"),
    ("p", "pause the view, so that nothing moves; tasks go on (ftask pause stops the worker)"),
    ("Esc", "back"),
    ("q", "quit; Ctrl-C too"),
)


def board_keys(board: Board, row: Row | None) -> list[Key]:
    """Return the keys of the main view that apply to the selected row."""
    keys: list[Key] = []
    if isinstance(row, GroupRow):
        keys = [("Enter", "open"), ("r", "redrive")]
    elif isinstance(row, TaskRow):
        keys = [("Enter", "open"), ("r", "redrive") if row.failure.final else ("c", "cancel")]
    return [
        *keys,
        ("/", "filter"),
        *([("Esc", "show all")] if board.filter else []),
        ("p", "go on" if board.paused else "pause view"),
        ("?", "help"),
        ("q", "quit"),
    ]


def task_keys(status: Status) -> list[Key]:
    """Return the keys of an open task in this state."""
    keys: list[Key] = []
    if status is Status.FAILED:
        keys = [("r", "redrive")]
    elif not status.terminal:
        keys = [("c", "cancel")]
    return [*keys, ("↑ ↓", "scroll"), ("Esc", "back"), ("?", "help"), ("q", "quit")]


def group_keys(has_tasks: bool) -> list[Key]:
    """Return the keys of an open kind of error."""
    tasks: list[Key] = [("Enter", "open task"), ("r", "redrive all")] if has_tasks else []
    return [*tasks, ("Tab", "example"), ("Esc", "back"), ("?", "help"), ("q", "quit")]
