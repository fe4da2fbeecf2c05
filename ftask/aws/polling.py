"""Rounds of requests, until AWS reports what a command waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator


def rounds(
    pause_seconds: float | Callable[[], float],
    timeout_seconds: float | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Yield at once, and again after each pause; end when `timeout_seconds` have passed.

    The last pause ends at the timeout, and one round follows it, so that what happened during the pause is still seen.
    Without a timeout the rounds go on until the caller leaves the loop. A callable is called before each pause.
    """
    deadline = None if timeout_seconds is None else clock() + timeout_seconds
    while True:
        yield
        pause = pause_seconds() if callable(pause_seconds) else pause_seconds
        if deadline is not None:
            left = deadline - clock()
            if left <= 0:
                return
            pause = min(pause, left)
        sleep(pause)
