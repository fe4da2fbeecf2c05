"""`ftask bench`: the error-rate experiment."""

from __future__ import annotations

import typer

from ftask.cli.bench import cost, report, run, sweep
from ftask.cli.command import command, group_command

app = typer.Typer(name="bench")

group_command(app)(run.bench)
# In the order of --help.
for function in (cost.cost, report.compare, report.report, report.schema, sweep.sweep):
    command(app)(function)
