"""Single key presses on a terminal, without Enter."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def single_keys() -> Iterator[None]:
    """Deliver keys at once and without echo until the block ends; do nothing without a terminal."""
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


def read_key(timeout_seconds: float) -> str:
    """Return the key that is pressed within this time, or an empty text."""
    ready, _, _ = select.select([sys.stdin], [], [], timeout_seconds)
    return os.read(sys.stdin.fileno(), 1).decode(errors="ignore") if ready else ""
