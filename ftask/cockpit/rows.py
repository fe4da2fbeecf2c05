"""The rows of a list: headings, kinds of error and tasks; which one is selected, and how each is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftask.core.timestamps import now
from ftask.ops.top import FailedAttempt
from ftask.render import cockpit as pictures
from ftask.render.ids import MIN_DIGITS, shorten
from ftask.selection.error_kinds import FailureGroup


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
