"""When to try again: exponential backoff with a cap and, as an option, full jitter."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from ftask.core.ranges import RANGES

MAX_BACKOFF_SECONDS = RANGES["BackoffCapSeconds"][1]
# Up to here a message waits in the queue.
DEFAULT_CAP_SECONDS = 900.0


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """A delay of `base_seconds · 2^(attempt-1)`, at most `cap_seconds`; with `jitter`, drawn evenly from 0 to that."""

    base_seconds: float = 2.0
    cap_seconds: float = DEFAULT_CAP_SECONDS
    jitter: bool = False

    def delay_seconds(self, attempt: int, rng: Random, requested_seconds: float | None = None) -> float:
        """Return the delay in seconds after failed attempt number `attempt` (from 1), never above the cap.

        `requested_seconds` is the delay that the handler asked for: it is taken unchanged.
        """
        if requested_seconds is not None:
            return requested_seconds
        ceiling = self.ceiling_seconds(attempt)
        return rng.uniform(0.0, ceiling) if self.jitter else ceiling

    def ceiling_seconds(self, attempt: int) -> float:
        """Return the longest delay in seconds after failed attempt number `attempt` (from 1)."""
        if self.base_seconds <= 0:
            return 0.0
        # 2^40 seconds is past every cap; the bound keeps large attempt numbers from overflowing.
        return min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, 40))
