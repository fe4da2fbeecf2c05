"""`ftask pause` and `ftask resume`: stop and start consumption."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import Timeout, require_wait
from ftask.ops import consumption

_LAMBDA_CONTINUES = "Lambda continues with the change. Check its state with: ftask info"


def pause(
    run: Invocation,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Return once no message is in flight.")] = False,
    timeout: Timeout = None,
) -> ExitCode:
    """Stop consuming. Tasks are still accepted and wait in the queue; no task is lost, and no attempt is used.

    Examples:
        ftask pause --wait --timeout 60
    """
    require_wait(timeout, wait=wait)
    stage, screen = run.stage, run.screen
    run.if_interrupted = _LAMBDA_CONTINUES
    changed = consumption.switch(stage, enabled=False)
    run.if_interrupted = "Consumption is paused. Start it again with: ftask resume"
    in_flight = 0
    if wait:
        started = time.monotonic()
        for in_flight in screen.spinning(consumption.in_flight(stage), "waiting until no message is in flight"):
            if timeout is not None and time.monotonic() - started > timeout:
                screen.warn(f"Messages in flight after {timeout:g} s: {in_flight:,}.")
                break
    text = "Paused." if changed else "Already paused."
    screen.result(
        {"state": "Disabled", "changed": changed} | ({"inFlight": in_flight} if wait else {}),
        lambda: f"{text} New tasks wait in the queue. Start consumption again with: ftask resume",
    )
    return ExitCode.TIMED_OUT if in_flight else ExitCode.DONE


def resume(run: Invocation) -> None:
    """Start consuming again.

    Examples:
        ftask resume
    """
    run.if_interrupted = _LAMBDA_CONTINUES
    changed = consumption.switch(run.stage, enabled=True)
    text = "Consuming again." if changed else "Already consuming."
    run.screen.result({"state": "Enabled", "changed": changed}, lambda: text)
