from __future__ import annotations

from collections.abc import Iterator

import pytest

from ftask.aws.parallel import merge


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
