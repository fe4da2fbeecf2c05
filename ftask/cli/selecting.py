"""The options that select failed tasks, the same for every command that has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

import typer

from ftask.cli import completion
from ftask.cli.usage import InvalidOptionError
from ftask.cli.when import parse_when
from ftask.dead_letters.selection import Selection

T = TypeVar("T", str, list[str] | None, str | None)


def require_id(value: T) -> T:
    """Return the id of a task, or the ids, unless one is empty: a script's variable that is not set.

    Raises:
        typer.BadParameter: one is empty.
    """
    ids = [value] if isinstance(value, str) else value or []
    if not all(task_id.strip() for task_id in ids):
        raise typer.BadParameter("The id of the task is empty. See the ids with: ftask ls")
    return value


TaskId = Annotated[
    str,
    typer.Argument(
        callback=require_id,
        autocompletion=completion.task_ids,
        metavar="ID",
        help="Id of the task, or the first digits of it.",
    ),
]
TaskIds = Annotated[
    list[str] | None,
    typer.Argument(
        callback=require_id,
        autocompletion=completion.task_ids,
        metavar="[ID]...",
        help="Ids of the tasks, or the first digits of each; read from stdin if omitted.",
    ),
]
OnlyTasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        callback=require_id,
        autocompletion=completion.task_ids,
        metavar="ID",
        help="Only this task; may be repeated.",
    ),
]
ErrorText = Annotated[
    str | None,
    typer.Option("--error", metavar="TEXT", help="Only tasks whose error type or message contains this text."),
]
TaskType = Annotated[str | None, typer.Option("--type", metavar="TYPE", help="Only tasks of this type.")]
Since = Annotated[
    str | None,
    typer.Option(metavar="WHEN", help="Only from this time on: a duration like 30m or a time like 2026-11-24T09:00Z."),
]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Only up to this time, given like --since.")]


def parse_selection(
    error: str | None,
    since: str | None,
    until: str | None = None,
    task_ids: Sequence[str] = (),
    task_type: str | None = None,
) -> Selection:
    """Return the selection that these options describe.

    Raises:
        InvalidOptionError: a time is invalid, or the second one is before the first.
    """
    first, last = parse_when(since, "--since"), parse_when(until, "--until")
    if first and last and first > last:
        raise InvalidOptionError("--until", str(until), f"a time after --since {since}")
    return Selection(error or None, first, last, frozenset(task_ids), task_type)
