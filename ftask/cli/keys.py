"""Single keys from a terminal, without waiting for Enter."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def single_keys() -> Iterator[None]:
    """While this lasts, keys arrive at once and are not echoed. Nothing happens where there is no terminal."""
    try:
        import termios
        import tty
    except ImportError:  # Windows
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def pressed(timeout_seconds: float) -> str:
    """The key that is pressed within so long, or nothing."""
    ready, _, _ = select.select([sys.stdin], [], [], timeout_seconds)
    return os.read(sys.stdin.fileno(), 1).decode(errors="ignore") if ready else ""
