"""`ftask top`: a live board."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from ftask.cli import cockpit
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import TaskType
from ftask.distribution import missing_extra
from ftask.ops.top import StageSampler
from ftask.render.top import line


def top(
    run: Invocation,
    interval: Annotated[float, typer.Option(min=0.2, metavar="SECONDS", help="Time between two readings.")] = 2.0,
    count: Annotated[int, typer.Option("--count", "-n", min=0, help="Number of readings; 0 for no limit.")] = 0,
    task_type: TaskType = None,
) -> None:
    """Show the stage live: throughput, queues, dead letters, failed tasks, recent failures.

    With --type, attempts, failures and failed tasks are those of this type; all types share the queues.

    On a terminal, with the extra "top" of ftask-aws, keys select, open, redrive and cancel tasks; ? lists them.
    Otherwise: one line per reading, in JSON with -o json.

    Examples:
        ftask top --stage prod
        ftask top --count 1 -o json
    """
    sampler = StageSampler(run.stage, task_type)
    run.if_interrupted = None
    if run.screen.live and sys.stdin.isatty():
        if cockpit.is_installed():
            cockpit.run_cockpit(run, sampler, interval, count)
            return
        run.screen.note(
            f"Graphs, and keys that open, redrive and cancel tasks, need an extra.\n{missing_extra(cockpit.EXTRA)}"
        )
    looks = 0
    while True:
        snapshot = sampler.snapshot()
        run.screen.line(snapshot.json(), line(snapshot))
        looks += 1
        if looks == count:
            return
        time.sleep(interval)
