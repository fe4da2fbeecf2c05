"""`ftask schedule`: the schedules of the task types."""

from __future__ import annotations

import typer

from ftask.cli.command import command
from ftask.cli.schedule import ls, pause, run

app = typer.Typer(name="schedule", help="List, run, pause and resume schedules.", no_args_is_help=True)

# In the order of --help.
for function in (ls.ls, run.run, pause.pause, pause.resume):
    command(app)(function)
