"""`ftask top`: a live board."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import time
from typing import Annotated

import typer

from ftask.cli.invocation import Invocation
from ftask.cli.selecting import TaskType
from ftask.cli.signals import EndedBySignalError
from ftask.distribution import missing_extra
from ftask.ops.top import StageSampler
from ftask.render.info import line

EXTRA = "top"


def is_installed() -> bool:
    """Whether the library that draws the cockpit is installed, on a system whose signals it handles."""
    return os.name == "posix" and importlib.util.find_spec("textual") is not None


def run_cockpit(run: Invocation, sampler: StageSampler, interval_seconds: float, count: int) -> None:
    """Run the cockpit until the user quits, or `count` readings are shown.

    Raises:
        FtaskError: the local engine has ended.
        KeyboardInterrupt: Ctrl-C, or another signal that ends the command.
    """
    # It imports Textual, which only the extra installs.
    from ftask.cockpit import app
    from ftask.cockpit.operations import Operations

    cockpit = app.Cockpit(
        Operations(run.stage, sampler.snapshot, sampler.task_type),
        run.stage_name,
        interval_seconds=interval_seconds,
        count=count,
        has_ended=run.has_engine_ended,
    )
    ending = app.run(cockpit)
    if ending.note is not None:
        run.screen.warn(ending.note)
    if ending.error is not None:
        raise ending.error
    if ending.signal is signal.SIGINT:
        raise KeyboardInterrupt
    if ending.signal is not None:
        raise EndedBySignalError(ending.signal)


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
        if is_installed():
            run_cockpit(run, sampler, interval, count)
            return
        run.screen.note(f"Graphs, and keys that open, redrive and cancel tasks, need an extra.\n{missing_extra(EXTRA)}")
    looks = 0
    while True:
        snapshot = sampler.snapshot()
        run.screen.line(snapshot.json(), line(snapshot))
        looks += 1
        if looks == count:
            return
        time.sleep(interval)
