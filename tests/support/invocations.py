"""A command's invocation without a command that does anything."""

from __future__ import annotations

import typer

from ftask.cli import options
from ftask.cli.command import command
from ftask.cli.invocation import Invocation


def invocation(*arguments: str, after: tuple[str, ...] = ()) -> Invocation:
    """The invocation of a command with these arguments before its name, and those of `after` after it."""
    seen: list[Invocation] = []

    def probe(run: Invocation) -> None:
        seen.append(run)

    app = typer.Typer()
    app.callback()(options.declare)
    command(app)(probe)
    app([*arguments, "probe", *after], standalone_mode=False)
    return seen[0]
