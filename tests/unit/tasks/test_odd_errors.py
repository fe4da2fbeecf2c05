"""Whatever code an exception brings along, the attempt ends as what was raised."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from email.utils import format_datetime
from random import Random
from typing import Any, NoReturn

import pytest

from ftask.core.errors import PermanentError, RetryAfter
from ftask.core.model import Status
from ftask.core.raised import MAX_REQUESTED_SECONDS
from ftask.core.timestamps import now
from ftask.tasks.context import current
from ftask.tasks.declaration import Registry, task
from ftask.tasks.testing import run
from ftask.tasks.trial import AttemptEnd, new_task, run_to_end
from tests.support.clock import FakeClock


class MuteError(PermanentError):
    def __str__(self) -> str:
        raise SystemExit("no text")


class HostileError(PermanentError):
    def __getattr__(self, name: str) -> NoReturn:
        raise KeyboardInterrupt(name)

    @property
    def response(self) -> NoReturn:
        raise SystemExit("no response")


class NotedError(PermanentError):
    __notes__ = 3  # type: ignore[assignment]


class OddError(PermanentError, SyntaxError):
    pass


class UnmadeError(RetryAfter):
    def __init__(self) -> None:
        pass


def of_itself(error: BaseException) -> BaseException:
    error.__cause__ = error
    return error


def of_each_other() -> BaseException:
    one, two = PermanentError("one"), ValueError("two")
    one.__cause__, two.__cause__ = two, one
    one.__context__, two.__context__ = two, one
    return one


def of_a_long_chain() -> BaseException:
    error: BaseException = PermanentError("the last")
    for number in range(5_000):
        cause, error = error, PermanentError(number)
        error.__cause__ = cause
    return error


def in_a_group_of_itself() -> BaseException:
    inner = PermanentError("inner")
    group = ExceptionGroup("all", [inner, ExceptionGroup("more", [ValueError(1)])])
    inner.__cause__ = inner.__context__ = group
    return group


WRONG: Any = ("f.py", "x", object(), 3, "a", "b")
ERRORS: dict[str, Callable[[], BaseException]] = {
    "its own cause": lambda: of_itself(PermanentError("x")),
    "two that cause each other": of_each_other,
    "a long chain": of_a_long_chain,
    "a group that is its own cause": in_a_group_of_itself,
    "no text": MuteError,
    "no attribute": HostileError,
    "notes that are none": NotedError,
    "a syntax error of the wrong types": lambda: OddError("odd", WRONG),
    "not made by its own class": UnmadeError,
    "half of a surrogate pair": lambda: PermanentError("\ud800"),
}


def failing(error: BaseException) -> Callable[[], None]:
    @task(backoff=(0, 0))
    def fail() -> None:
        raise error

    return fail


def attempts_of(registry: Registry, waits: list[float] | None = None) -> list[AttemptEnd]:
    (declaration,) = registry
    clock = FakeClock()

    def wait(seconds: float) -> None:
        clock.advance(seconds)
        if waits is not None:
            waits.append(seconds)

    begun = new_task(declaration.type, {}, clock(), 1, 2)
    return list(run_to_end(begun, declaration.type, registry, clock, wait, Random(1)))


@pytest.mark.parametrize("make", ERRORS.values(), ids=ERRORS)
def test_an_attempt_ends_as_what_it_raised(registry: Registry, make: Callable[[], BaseException]) -> None:
    error = make()
    failing(error)
    ended = attempts_of(registry)[-1]
    assert ended.task.status is Status.FAILED
    assert ended.task.last_error is not None
    assert ended.task.last_error.type == type(error).__name__
    assert ended.task.attempts == (1 if isinstance(error, PermanentError) else 2)
    if not isinstance(error, RetryAfter):
        assert ended.traceback is not None
        assert "in fail\n" in ended.traceback


# RetryAfter


@pytest.mark.parametrize(
    ("delay", "seconds"),
    [
        (0.5, 0.5),
        (86_400, 86_400),
        (-3, 0),
        (10**9, MAX_REQUESTED_SECONDS),
        ("60", 60),
        (" 1.5 ", 1.5),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
    ],
)
def test_retry_after_chooses_the_delay_whatever_the_backoff_is(
    registry: Registry, delay: float | str, seconds: float
) -> None:
    @task(backoff=(1, 5), jitter=True)
    def later() -> None:
        raise RetryAfter(delay)

    first = attempts_of(registry)[0].task
    assert first.history[0].backoff_seconds == seconds
    assert run(later).retry_after == seconds


def test_retry_after_takes_a_date() -> None:
    at = now() + timedelta(hours=3)
    assert RetryAfter(format_datetime(at, usegmt=True)).seconds == pytest.approx(3 * 3600, abs=30)
    assert RetryAfter(at.strftime("%a, %d %b %Y %H:%M:%S -0000")).seconds == pytest.approx(3 * 3600, abs=30)


@pytest.mark.parametrize("delay", [None, "", "soon", "nan", float("inf"), []])
def test_retry_after_refuses_what_is_no_delay_in_one_sentence(delay: Any) -> None:
    expected = "expected seconds, like 30, or an HTTP date, like Wed, 21 Oct 2026 07:28:00 GMT."
    with pytest.raises(ValueError, match=f"^{re.escape(f'Invalid RetryAfter {delay!r}: {expected}')}$"):
        RetryAfter(delay)


def test_a_delay_that_outlasts_the_longest_visibility_timeout_of_sqs_is_kept(registry: Registry) -> None:
    @task
    def later() -> None:
        if current().attempt == 1:
            raise RetryAfter(86_400)

    waits: list[float] = []
    first, second = attempts_of(registry, waits)
    assert second.task.history[1].started_at == first.task.updated_at + timedelta(days=1)
    # SQS counts 12 hours from the receive, which was up to 15 minutes before.
    assert max(waits) < 12 * 3600 - 900
