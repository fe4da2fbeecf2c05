"""The built-in work: the experiment that shows what the queue does."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from random import Random
from typing import Any

from ftask.core.errors import PermanentError, UnknownTaskType
from ftask.core.model import EXPERIMENT_TYPE
from ftask.core.ports import Handler, Job

SLOW = "SLOW:"
# The exit code of a process that a task crashed on purpose; any but 0 will do.
CRASH_EXIT_CODE = 70


class SimulatedError(Exception):
    """The simulated work failed, on request or by chance."""


def simulated(
    error_rate: float,
    rng: Random,
    pause: Callable[[float], None] = time.sleep,
    die: Callable[[int], object] = os._exit,
) -> Handler:
    """Return a handler for `{"message": …}`.

    SUCCESS succeeds, ERROR fails, CRASH ends the process at once, HANG never returns, SLOW:<seconds> takes 0 to 900
    seconds and succeeds, and anything else fails at `error_rate`, from 0 to 1. CRASH and HANG also end the other
    attempts of their batch, as a worker that dies does.
    """

    def handle(job: Job) -> dict[str, str]:
        message = job.payload.get("message")
        if message == "ERROR":
            raise SimulatedError("the task asked for an error")
        if message == "CRASH":
            die(CRASH_EXIT_CODE)
        elif message == "HANG":
            while True:
                pause(60)
        elif isinstance(message, str) and message.startswith(SLOW):
            pause(_seconds(message))
        elif message != "SUCCESS" and rng.random() < error_rate:
            raise SimulatedError(f"simulated failure, {error_rate:.0%} of attempts")
        return {"message": "done"}

    return handle


def by_type(experiment: Handler, own: Handler | None) -> Handler:
    """Return the handler that runs jobs of the experiment by `experiment`, and all others by `own`, the user's tasks.

    Raises UnknownTaskType for these where the worker has no tasks of the user's (None).
    """

    def handle(job: Job) -> Any:
        if job.type == EXPERIMENT_TYPE:
            return experiment(job)
        if own is None:
            raise UnknownTaskType(job.type, [EXPERIMENT_TYPE])
        return own(job)

    return handle


def _seconds(message: str) -> float:
    text = message.removeprefix(SLOW)
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= 900:
        raise PermanentError(f"Invalid seconds {text[:40]!r}: {SLOW} takes 0 to 900 seconds, like {SLOW}2.5.")
    return seconds
