from __future__ import annotations

from collections.abc import Iterator

import pytest

from ftask.aws.parallel import Pace, merged
from tests.support.clock import VirtualTime


def test_all_items_of_all_sources_come() -> None:
    assert sorted(merged([range(100), range(100, 200), range(0)])) == list(range(200))


def test_an_error_of_one_source_ends_all() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    def endless() -> Iterator[int]:
        while True:
            yield 2

    with pytest.raises(ValueError, match="broken"):
        for _ in merged([broken(), endless()]):
            pass


def test_a_reader_that_stops_leaves_no_source_within_an_item() -> None:
    whole: list[int] = []

    def source() -> Iterator[int]:
        for number in range(1000):
            started = number
            yield number
            whole.append(started)

    items = merged([source(), source()])
    taken = [next(items), next(items)]
    items.close()
    after = len(whole)
    assert taken
    assert after < 2000
    assert len(whole) == after


def test_a_pace_spreads_what_passes_evenly() -> None:
    time = VirtualTime()
    pace = Pace(50, time.clock, time.sleep)
    for _ in range(3):
        pace.wait(10)
    assert time.pauses == pytest.approx([0.0, 0.2, 0.2])


def test_no_rate_is_no_limit() -> None:
    def never(_: float) -> None:
        raise AssertionError("nobody waits")

    Pace(0, sleep=never).wait(10_000)
