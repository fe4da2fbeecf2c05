"""`ftask bench`: the error-rate experiment."""

from __future__ import annotations

import typer

from ftask.cli.bench import compare, cost, report, run, schema, sweep
from ftask.cli.command import command, group_command

app = typer.Typer(name="bench")

group_command(app)(run.bench)
# In the order of --help.
for function in (cost.cost, compare.compare, report.report, schema.schema, sweep.sweep):
    command(app)(function)
