"""`ftask dlq`: dead letters."""

from __future__ import annotations

import typer

from ftask.cli.command import command
from ftask.cli.dlq import discard, drain, ls, peek, redrive, show

app = typer.Typer(name="dlq", help="List failed tasks; redrive, discard and drain them.", no_args_is_help=True)

# In the order of --help.
for function in (ls.ls, show.show, redrive.redrive, discard.discard, drain.drain, peek.peek):
    command(app)(function)
