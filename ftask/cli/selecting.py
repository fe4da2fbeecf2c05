"""The options that choose failed tasks, the same for every command that has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.invocation import UsageError
from ftask.cli.when import parse_when

if TYPE_CHECKING:
    from ftask.dead_letters.selection import Selection

ErrorText = Annotated[
    str | None, typer.Option("--error", metavar="TEXT", help="Only errors whose type or message has this text.")
]
Since = Annotated[str | None, typer.Option(metavar="WHEN", help="Only from then on: 2h, 3d, or 2026-03-01T12:00.")]
Until = Annotated[str | None, typer.Option(metavar="WHEN", help="Only up to then.")]


def selection(error: str | None, since: str | None, until: str | None, task_ids: list[str] | None = None) -> Selection:
    """The failed tasks that these options mean.

    Raises:
        UsageError: a moment is none, or the time between the two is empty.
    """
    from ftask.dead_letters.selection import Selection

    first, last = parse_when(since, "--since"), parse_when(until, "--until")
    if first and last and first > last:
        raise UsageError("--since is later than --until.")
    return Selection(error or None, first, last, frozenset(task_ids or ()))
