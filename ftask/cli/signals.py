"""Signals that end a command: it restores the terminal, says what goes on without it, and ends by them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

# What `kill` and a closed terminal send; by default each ends the process at once.
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))


class EndedBySignalError(KeyboardInterrupt):
    """One of these signals has come. What cleans up after Ctrl-C cleans up after them too."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number

    @property
    def signal_name(self) -> str:
        return signal.Signals(self.number).name


@contextmanager
def raising_signals() -> Iterator[None]:
    """Raise EndedBySignalError where one of these signals comes in the block, so that what was opened is closed.

    A signal that the caller ignores, as `nohup` does, stays ignored.
    """

    def end(number: int, frame: FrameType | None) -> None:
        # A closed terminal sends SIGHUP twice, by the kernel and by the shell; what cleans up must get to its end.
        signal.signal(number, signal.SIG_IGN)
        raise EndedBySignalError(number)

    # Python sets handlers in its main thread alone.
    numbers = ENDING if threading.current_thread() is threading.main_thread() else ()
    before = {number: handler for number in numbers if (handler := signal.getsignal(number)) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end_by(number: int) -> NoReturn:
    """End the process by a signal: a shell sees the same as if it had not been caught."""
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    raise SystemExit(128 + number)  # it is blocked
