"""A traceback in the log shows the user's frames, and fits."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.core.retry import RetryPolicy
from ftask.tasks.declaration import Registry, task
from ftask.tasks.tracebacks import traceback_text
from ftask.tasks.worker import handler


def raised(function: Any, *arguments: Any) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - any
        function(*arguments)
    return caught.value


def divide(by: int) -> float:
    return 1 / by


def parse(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise KeyError("number") from error


def test_the_line_that_failed_and_its_error_are_shown() -> None:
    lines = traceback_text(raised(divide, 0)).splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert "    return 1 / by" in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


def test_the_cause_is_shown_before_it() -> None:
    text = traceback_text(raised(parse, "x"))
    assert text.index("ValueError: invalid literal") < text.index("direct cause") < text.index("KeyError: 'number'")


def test_frames_of_ftask_and_of_what_runs_threads_and_coroutines_are_left_out() -> None:
    async def later() -> None:
        await asyncio.gather(asyncio.to_thread(divide, 0))

    with ThreadPoolExecutor(1) as threads:
        text = traceback_text(raised(threads.submit(asyncio.run, later()).result))
    assert "return 1 / by" in text
    assert "in later" in text
    for machinery in ("asyncio/", "concurrent/", "threading.py"):
        assert machinery not in text
    # Of another package the frame stays: it may be what the user called.
    assert "core/retry.py" not in traceback_text(raised(RetryPolicy().delay_seconds, None, None))
    assert "json/decoder.py" in traceback_text(raised(__import__("json").loads, "{"))


def test_a_group_shows_the_frames_of_each_error() -> None:
    def fail() -> None:
        raise BaseExceptionGroup("both", [raised(divide, 0), raised(parse, "x")])

    text = traceback_text(raised(fail))
    assert "ZeroDivisionError" in text
    assert "KeyError" in text


def test_a_deep_recursion_shows_where_it_began_and_how_it_ended() -> None:
    def ping(number: int) -> int:
        return pong(number + 1)

    def pong(number: int) -> int:
        return ping(number + 1)

    text = traceback_text(raised(ping, 0), 4096)
    assert 3000 < len(text.encode()) <= 4096
    assert text.startswith("Traceback (most recent call last):")
    assert "lines left out …" in text
    assert text.splitlines()[-1].startswith("RecursionError: maximum recursion depth exceeded")


@pytest.mark.parametrize("message", ["x" * 100_000, "line\n" * 20_000, "ü" * 50_000, "a\ud800b" * 9_000])
def test_a_long_message_does_not_hide_the_frames(message: str) -> None:
    def fail() -> None:
        raise ValueError(message)

    text = traceback_text(raised(fail), 2048)
    assert len(text.encode()) <= 2048
    assert "raise ValueError(message)" in text
    assert "ValueError: " + message[:1] in text


@pytest.mark.parametrize("limit", [64, 100, 500, 4096])
def test_the_limit_is_kept_whatever_is_cut(limit: int) -> None:
    assert 0 < len(traceback_text(raised(parse, "x" * 9_000), limit).encode()) <= limit


def test_an_error_that_cannot_be_written_is_shown_as_that() -> None:
    class MuteError(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    def fail() -> None:
        raise MuteError

    assert "MuteError: <exception str() failed>" in traceback_text(raised(fail))


def test_errors_that_cause_each_other_end() -> None:
    one, two = raised(divide, 0), raised(parse, "x")
    one.__cause__, two.__cause__ = two, one
    assert "ZeroDivisionError" in traceback_text(one)


def test_the_traceback_of_an_attempt_begins_in_the_task(registry: Registry) -> None:
    @task
    def send() -> None:
        divide(0)

    events: list[dict[str, Any]] = []
    job: Any = SimpleNamespace(
        task_id="0" * 32, type="send", epoch=0, attempt=1, max_attempts=2, payload={}, deadline=None
    )
    with pytest.raises(ZeroDivisionError):
        handler(registry, lambda event: events.append(dict(event.fields)))(job)
    frames = [line for line in events[0]["traceback"].splitlines() if line.lstrip().startswith("File ")]
    assert [frame.rpartition(" in ")[2] for frame in frames] == ["send", "divide"]
