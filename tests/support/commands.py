"""All commands of ftask, as its command line lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer.main

from ftask.cli import app

ROOT_COMMAND = typer.main.get_command(app)


def _below(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    for name, command in getattr(group, "commands", {}).items():
        yield from _below(command, (*path, name))
    if path and getattr(group, "invoke_without_command", True):
        yield " ".join(path), group


# By their full names, also a group that does something without one of its commands.
COMMANDS: dict[str, Any] = dict(_below(ROOT_COMMAND))
