"""Several calls at a time: as many as the connections allow, with their results in order."""

from __future__ import annotations

import threading
from datetime import timedelta

from ftask.core.clients import TOTAL_TRIES, USUAL, longest_pause_seconds
from ftask.core.submission import CALL_TIME, STORE_TIME
from ftask.core.threads import CALLS_AT_ONCE, one_by_one, several_at_once


def test_calls_run_beside_each_other_up_to_the_number_of_connections() -> None:
    together = threading.Barrier(CALLS_AT_ONCE)
    running: set[int] = set()
    most = 0

    def call(number: int) -> int:
        nonlocal most
        running.add(number)
        together.wait(60)
        most = max(most, len(running))
        together.wait(60)
        running.discard(number)
        return number * 2

    numbers = list(range(2 * CALLS_AT_ONCE))
    assert several_at_once(call, numbers) == one_by_one(lambda number: number * 2, numbers)
    assert most == CALLS_AT_ONCE


def test_a_single_call_needs_no_thread() -> None:
    assert several_at_once(lambda _: threading.current_thread(), ["a"]) == [threading.main_thread()]
    assert several_at_once(str, []) == []


def test_a_call_that_is_begun_in_time_ends_before_the_function_does() -> None:
    longest = TOTAL_TRIES * USUAL.try_seconds + sum(map(longest_pause_seconds, range(1, TOTAL_TRIES)))
    assert timedelta(seconds=longest) <= CALL_TIME < STORE_TIME
