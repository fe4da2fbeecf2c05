"""`current()`: each attempt sees its own, wherever its code runs."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from ftask.tasks.context import Run, current, running, running_or_none
from ftask.tasks.errors import OutsideTaskError
from tests.support.clock import EPOCH, FakeClock


def a_run(task_id: str = "0" * 32, clock: FakeClock | None = None) -> Run:
    return Run(task_id, "send", 1, 2, 3, EPOCH + timedelta(seconds=20), clock or FakeClock())


def test_the_running_attempt_is_seen_inside_of_it_only() -> None:
    run = a_run()
    with running(run):
        assert current() is run
        assert (current().type, current().epoch, current().attempt, current().max_attempts) == ("send", 1, 2, 3)
    assert running_or_none() is None


def test_outside_of_a_task_the_error_names_what_a_test_writes() -> None:
    with pytest.raises(OutsideTaskError) as caught:
        current()
    assert str(caught.value) == (
        "current() was called outside of a running task. In a test, call the function inside `with "
        "ftask.testing.running():` or by `ftask.testing.run(...)`. A thread that a task starts does not inherit it: "
        "call current() before, and pass the result on."
    )


def test_the_attempt_ends_with_its_block_even_when_it_fails() -> None:
    with pytest.raises(ZeroDivisionError), running(a_run()):
        raise ZeroDivisionError
    assert running_or_none() is None


def test_the_remaining_seconds_fall_to_zero_and_not_below() -> None:
    clock = FakeClock()
    run = a_run(clock=clock)
    assert run.remaining() == 20.0
    clock.advance(19.5)
    assert run.remaining() == 0.5
    clock.advance(100)
    assert run.remaining() == 0.0


def test_ten_threads_see_ten_attempts() -> None:
    barrier = threading.Barrier(10)

    def attempt(number: int) -> set[str]:
        seen = set()
        with running(a_run(str(number))):
            for _ in range(100):
                barrier.wait(10)
                seen.add(current().task_id)
        return seen

    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(attempt, range(10))) == [{str(number)} for number in range(10)]


def test_ten_coroutines_of_one_loop_see_ten_attempts() -> None:
    async def attempt(number: int) -> set[str]:
        seen = set()
        with running(a_run(str(number))):
            for _ in range(100):
                await asyncio.sleep(0)
                seen |= {current().task_id, await asyncio.create_task(inner())}
                if not number:
                    seen.add(await asyncio.to_thread(lambda: current().task_id))
        return seen

    async def inner() -> str:
        await asyncio.sleep(0)
        return current().task_id

    async def all_of_them() -> list[set[str]]:
        return await asyncio.gather(*map(attempt, range(10)))

    assert asyncio.run(all_of_them()) == [{str(number)} for number in range(10)]
