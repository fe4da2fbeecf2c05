"""`ftask pause` and `ftask resume`: stop and start consumption."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation


def pause(
    run: Invocation,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Return when nothing is in flight any more.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Stop waiting after this long; exit code 4.")
    ] = None,
) -> ExitCode:
    """Stop consuming: tasks are still accepted, and wait. Nothing is lost, and no attempt is used."""
    from ftask.ops import consumption

    stage, screen = run.stage, run.screen
    run.if_interrupted = "Lambda goes on with the change. See how it stands with: ftask info"
    changed = consumption.switch(stage, enabled=False)
    run.if_interrupted = "Consumption is paused. Start it again with: ftask resume"
    left = 0
    if wait:
        started = time.monotonic()
        for left in screen.spinning(consumption.in_flight(stage), "waiting until nothing is in flight"):
            if timeout is not None and time.monotonic() - started > timeout:
                screen.warn(f"Still in flight after {timeout:g} s: {left:,} messages.")
                break
    text = "Paused." if changed else "It was paused already."
    screen.result(
        {"state": "Disabled", "changed": changed} | ({"inFlight": left} if wait else {}),
        lambda: f"{text} Tasks are accepted and wait; start again with: ftask resume",
    )
    return ExitCode.TIMED_OUT if left else ExitCode.DONE


def resume(run: Invocation) -> None:
    """Consume again."""
    from ftask.ops import consumption

    run.if_interrupted = "Lambda goes on with the change. See how it stands with: ftask info"
    changed = consumption.switch(run.stage, enabled=True)
    text = "Consuming again." if changed else "It was consuming already."
    run.screen.result({"state": "Enabled", "changed": changed}, lambda: text)
