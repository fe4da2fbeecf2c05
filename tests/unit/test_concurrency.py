"""Rounds of polling, a limit of items a second, sources that are read side by side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import pytest

from ftask.aws.concurrency import RateLimiter, merge, rounds
from tests.support.clock import VirtualTime


def test_the_first_round_is_at_once_and_a_pause_lies_between_any_two() -> None:
    time = VirtualTime()
    assert len(list(islice(rounds(2.0, sleep=time.sleep, clock=time.clock), 3))) == 3
    assert time.pauses == [2.0, 2.0]


def test_the_last_pause_ends_at_the_timeout_and_one_round_follows_it() -> None:
    time = VirtualTime()
    assert len(list(rounds(2.0, 5.0, sleep=time.sleep, clock=time.clock))) == 4
    assert time.pauses == [2.0, 2.0, 1.0]


def test_each_pause_may_be_another() -> None:
    time = VirtualTime()
    pauses = iter([0.1, 0.2, 0.4])
    assert len(list(islice(rounds(lambda: next(pauses), sleep=time.sleep, clock=time.clock), 4))) == 4
    assert time.pauses == [0.1, 0.2, 0.4]


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


def test_all_items_of_all_sources_come() -> None:
    assert sorted(merge([range(100), range(100, 200), range(0)])) == list(range(200))


def test_an_error_of_one_source_ends_all() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    def endless() -> Iterator[int]:
        while True:
            yield 2

    with pytest.raises(ValueError, match="broken"):
        for _ in merge([broken(), endless()]):
            pass


def test_a_reader_that_stops_leaves_no_source_within_an_item() -> None:
    whole: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            started = number
            yield number
            whole.append(started)

    items = merge([source(), source()])
    taken = [next(items), next(items)]
    items.close()
    after = len(whole)
    assert taken
    assert after < 2000
    assert len(whole) == after
