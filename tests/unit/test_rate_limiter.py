from __future__ import annotations

import pytest

from ftask.aws.rate_limiter import RateLimiter
from tests.support.clock import VirtualTime


def test_a_rate_limiter_spreads_what_passes_evenly() -> None:
    time = VirtualTime()
    limiter = RateLimiter(50, time.clock, time.sleep)
    for _ in range(3):
        limiter.wait(10)
    assert time.pauses == pytest.approx([0.0, 0.2, 0.2])


def test_no_rate_is_no_limit() -> None:
    def never(_: float) -> None:
        raise AssertionError("nobody waits")

    RateLimiter(0, sleep=never).wait(10_000)
