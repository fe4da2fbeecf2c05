"""The commands of ftask, by their words."""

from __future__ import annotations

from typing import Any

import typer
import typer.main

from ftask.cli import app
from ftask.cli.manual import commands

ROOT_COMMAND: Any = typer.main.get_command(app)
COMMANDS: dict[str, Any] = {
    context.command_path.removeprefix("ftask "): command
    for command, context in commands(ROOT_COMMAND, typer.Context(ROOT_COMMAND, info_name="ftask"))
}
