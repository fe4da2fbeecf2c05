"""Signals that end a command which draws on the whole terminal: it restores the terminal before it ends by them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from ftask.cli.invocation import Invocation

# What `kill` and a closed terminal send; by default each ends the process at once.
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class EndedBySignalError(BaseException):
    """One of these signals has come."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def raising_signals() -> Iterator[None]:
    """Raise EndedBySignalError where one of these signals comes in the block, so that what was opened is closed."""

    def end(number: int, frame: FrameType | None) -> None:
        raise EndedBySignalError(number)

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_by(run: Invocation, number: int) -> None:
    """Say which signal ended the command, and end by it: a shell sees the same as if it had not been caught."""
    with suppress(OSError):  # the terminal is gone
        run.screen.warn(f"Ended by {signal.Signals(number).name}. The stage goes on.")
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
