"""Waiting for what another process brings about."""

from __future__ import annotations

import time
from collections.abc import Callable

# Long enough for the last lease of the last attempt of a task that only ever meets dying workers.
PATIENCE_SECONDS = 240


def until(condition: Callable[[], bool], what: str, *, look_every: float = 0.2) -> None:
    """Return once the condition holds, looked at every so many seconds; fail, saying what, when it never does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(look_every)
