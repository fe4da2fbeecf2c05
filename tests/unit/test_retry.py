from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ftask.core.retry import MAX_BACKOFF_SECONDS, RetryPolicy

RNG = Random(1)


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 2), (2, 4), (3, 8), (8, 256), (9, 512), (10, 900), (1000, 900)])
def test_the_delay_doubles_with_each_attempt_and_ends_at_fifteen_minutes(attempt: int, seconds: float) -> None:
    assert RetryPolicy().delay_seconds(attempt, RNG) == seconds


@given(
    base=st.floats(0, 900),
    cap=st.floats(0, MAX_BACKOFF_SECONDS),
    attempt=st.integers(1, 10_000),
    seed=st.integers(),
)
def test_a_jittered_delay_lies_between_zero_and_the_unjittered_one(
    base: float, cap: float, attempt: int, seed: int
) -> None:
    policy = RetryPolicy(base, cap, jitter=True)
    assert 0 <= policy.delay_seconds(attempt, Random(seed)) <= policy.ceiling_seconds(attempt) <= cap


def test_jitter_uses_the_whole_span() -> None:
    policy = RetryPolicy(base_seconds=10, jitter=True)
    delays = [policy.delay_seconds(1, RNG) for _ in range(1000)]
    assert min(delays) < 1
    assert max(delays) > 9


def test_a_delay_that_the_handler_asked_for_is_taken_unchanged_by_base_cap_and_jitter() -> None:
    assert RetryPolicy(1, 5, jitter=True).delay_seconds(1, RNG, requested_seconds=86_400) == 86_400
