"""`ftask watch`: follow tasks to their end."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import Timeout, follow
from ftask.cli.invocation import Invocation, UsageError
from ftask.core.errors import FtaskError


def watch(
    run: Invocation,
    task_ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID]...", help="The tasks' ids; without any, read from stdin.")
    ] = None,
    timeout: Timeout = None,
) -> ExitCode:
    """Follow tasks live to their end; exit code 3 if one fails, 4 if the time runs out first."""
    if not task_ids:
        if sys.stdin.isatty():
            raise UsageError("Give the id of a task, or pipe ids in, one a line.")
        task_ids = sys.stdin.read().split()
        if not task_ids:
            raise FtaskError("There is nothing to watch: no id came in.")
    task_ids = list(dict.fromkeys(task_ids))
    run.if_interrupted = "The tasks go on; watching them again is always possible."
    code, _ = follow(run, task_ids, timeout, result_follows=False)
    return code
