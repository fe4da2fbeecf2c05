"""How `ftask top` runs the cockpit, where the extra `top` is installed, and what it says at its end."""

from __future__ import annotations

import importlib.util
import os
import signal
from typing import TYPE_CHECKING

from ftask.cli.invocation import Invocation
from ftask.cli.signals import EndedBySignalError

if TYPE_CHECKING:
    from ftask.ops.top import StageSampler

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
    from ftask.cockpit import app
    from ftask.cockpit.operations import Operations

    cockpit = app.Cockpit(
        Operations(run.stage, sampler, sampler.task_type),
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
