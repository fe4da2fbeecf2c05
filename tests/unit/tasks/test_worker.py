"""The handler that a worker gives its executor: one job in, a result or a failed attempt out."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from datetime import timedelta
from typing import Any

import pytest

from ftask.core.errors import InvalidResult, PermanentError, RetryAfter, TimedOut, UnknownTaskType
from ftask.core.events import Event
from ftask.core.execution import encode_result
from ftask.core.ports import Job
from ftask.core.retry import RetryPolicy
from ftask.core.timestamps import now
from ftask.tasks.context import Run, current, running_or_none
from ftask.tasks.declaration import Registry, declaration_of, task
from ftask.tasks.errors import AttemptAborted, InvalidPayload
from ftask.tasks.output import capture_output
from ftask.tasks.worker import handler, retry_policies, start_run
from tests.support.clock import EPOCH, FakeClock
from tests.support.jobs import a_job


class Events(list[tuple[str, dict[str, Any]]]):
    def __call__(self, event: Event) -> None:
        self.append((event.name, {"level": event.level, **event.fields}))


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def handle(registry: Registry, events: Events) -> Callable[[Job], Any]:
    return handler(registry, events)


def test_a_job_runs_the_task_of_its_type(handle: Callable[[Job], Any], events: Events) -> None:
    @task
    def double(number: int) -> int:
        return 2 * number

    @task(name="orders.send")
    def send(number: int) -> None: ...

    assert handle(a_job("double", {"number": "4"})) == 8
    assert handle(a_job("orders.send", {"number": 4})) is None
    assert events == []


def test_the_task_sees_its_attempt(handle: Callable[[Job], Any]) -> None:
    seen: list[Run] = []

    @task
    def look() -> None:
        seen.append(current())

    job = a_job("look")
    handle(job)
    run = seen[0]
    assert (run.task_id, run.type, run.epoch, run.attempt, run.max_attempts) == ("0" * 32, "look", 1, 2, 3)
    assert run.deadline == job.deadline
    assert 29 < run.remaining() <= 30
    assert running_or_none() is None


def test_a_type_that_the_worker_does_not_have_is_a_failure_that_may_pass(
    handle: Callable[[Job], Any], events: Events
) -> None:
    @task
    def send() -> None: ...

    with pytest.raises(UnknownTaskType, match=r"^This worker has no task type 'sned'\. Types: send\.$") as caught:
        handle(a_job("sned"))
    assert not isinstance(caught.value, PermanentError)


@pytest.mark.parametrize("error", [RetryAfter(0.5), InvalidPayload("no"), InvalidResult("no")])
def test_what_a_task_says_on_purpose_has_no_traceback(
    handle: Callable[[Job], Any], events: Events, error: Exception
) -> None:
    @task
    def send() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        handle(a_job("send"))
    assert caught.value is error
    assert events == []


@pytest.mark.parametrize("error", [PermanentError("no"), ValueError("x"), SystemExit(3), RecursionError("deep")])
def test_a_failure_is_raised_as_it_is_and_observed_with_its_traceback(
    handle: Callable[[Job], Any], events: Events, error: BaseException
) -> None:
    @task
    def send() -> None:
        raise error

    with pytest.raises(type(error)) as caught:
        handle(a_job("send"))
    assert caught.value is error
    ((name, fields),) = events
    assert name == "attemptFailed"
    traceback = fields.pop("traceback")
    assert fields == {
        "level": "ERROR",
        "taskId": "0" * 32,
        "type": "send",
        "epoch": 1,
        "attempt": 2,
        "errorType": type(error).__name__,
    }
    assert type(error).__name__ in traceback.splitlines()[-1]
    assert "raise error" in traceback


class Stop(BaseException):
    """What no `except Exception` catches."""


@pytest.mark.parametrize("error", [KeyboardInterrupt("now"), Stop("now"), GeneratorExit("now")])
@pytest.mark.parametrize("is_async", [False, True])
def test_what_is_no_exception_is_a_failed_attempt_too(
    handle: Callable[[Job], Any], events: Events, error: BaseException, is_async: bool
) -> None:
    def fail() -> None:
        raise error

    async def fail_later() -> None:
        fail()

    task(name="send")(fail_later if is_async else fail)
    # In a thread, as a worker's batch: asyncio lets an interrupt of the main thread through.
    with (
        ThreadPoolExecutor(1) as threads,
        pytest.raises(AttemptAborted, match=rf"^The task raised {type(error).__name__}: now$"),
    ):
        threads.submit(handle, a_job("send")).result()
    assert [fields["errorType"] for _, fields in events] == [type(error).__name__]


def test_a_task_that_cancels_itself_has_failed(handle: Callable[[Job], Any]) -> None:
    @task
    async def send() -> None:
        raise asyncio.CancelledError

    with pytest.raises(AttemptAborted, match="The task raised CancelledError"):
        handle(a_job("send"))


def test_a_tool_in_a_terminal_can_be_interrupted(registry: Registry, events: Events) -> None:
    @task
    def send() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        handler(registry, events, interrupts=(KeyboardInterrupt,))(a_job("send"))
    assert events == []


def test_an_endless_recursion_is_a_failed_attempt(handle: Callable[[Job], Any], events: Events) -> None:
    @task
    def send(number: int = 0) -> int:
        return send(number + 1) + 1

    with pytest.raises(RecursionError):
        handle(a_job("send"))
    assert len(events[0][1]["traceback"].encode()) <= 4096


def test_a_cyclic_result_fails_the_task_for_good(handle: Callable[[Job], Any]) -> None:
    @task
    def send() -> Any:
        cycle: dict[str, Any] = {}
        cycle["again"] = cycle
        return cycle

    with pytest.raises(InvalidResult, match="The result is not JSON: Circular reference detected"):
        handle(a_job("send"))


@pytest.mark.parametrize("result", [float("nan"), "a\ud800", "x" * 70_000])
def test_a_result_that_cannot_be_stored_is_refused_by_the_executor(handle: Callable[[Job], Any], result: Any) -> None:
    @task
    def send() -> Any:
        return result

    with pytest.raises(InvalidResult, match=r"^The result (is not JSON: |has 70,002 bytes; the limit is 65,536\.)"):
        encode_result(handle(a_job("send")))


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(None, 29), (20, 20), (29, 29), (60, 29)],
)
def test_an_async_task_ends_at_its_timeout_or_in_time_to_settle(timeout: float | None, seconds: float) -> None:
    @task(timeout=timeout)
    async def resize() -> None: ...

    clock = FakeClock()
    run = start_run(a_job("resize", deadline=EPOCH + timedelta(seconds=30)), declaration_of(resize), clock)
    assert run.remaining() == seconds


def test_a_timeout_is_a_failure_that_is_retried(handle: Callable[[Job], Any], events: Events) -> None:
    @task(timeout=0.05)
    async def resize() -> None:
        await asyncio.sleep(60)

    with pytest.raises(TimedOut) as caught:
        handle(a_job("resize"))
    assert not isinstance(caught.value, PermanentError)
    assert "await asyncio.sleep(60)" in events[0][1]["traceback"]


def test_an_async_task_without_a_timeout_is_cancelled_before_its_worker_is_killed(
    handle: Callable[[Job], Any],
) -> None:
    @task
    async def resize() -> None:
        await asyncio.sleep(60)

    deadline = now() + timedelta(seconds=1.1)
    with pytest.raises(TimedOut):
        handle(a_job("resize", deadline=deadline))
    assert now() < deadline


def test_ten_jobs_at_once_keep_apart(handle: Callable[[Job], Any]) -> None:
    barrier = threading.Barrier(10)

    @task
    def plain(number: int) -> list[Any]:
        barrier.wait(10)
        return [number, current().task_id, current().attempt]

    @task
    async def later(number: int) -> list[Any]:
        await asyncio.to_thread(barrier.wait, 10)
        return [number, current().task_id, current().attempt]

    jobs = [
        a_job("later" if number % 2 else "plain", {"number": number}, str(number), attempt=number)
        for number in range(10)
    ]
    with ThreadPoolExecutor(10) as threads:
        assert list(threads.map(handle, jobs)) == [[number, str(number), number] for number in range(10)]


context: ContextVar[str] = ContextVar("context", default="clean")


def test_a_context_variable_that_a_task_sets_does_not_reach_the_next_one(handle: Callable[[Job], Any]) -> None:
    @task
    def look() -> str:
        before = context.get()
        context.set("dirty")
        return before

    assert [handle(a_job("look")), handle(a_job("look"))] == ["clean", "clean"]


def test_an_unfinished_line_is_written_with_the_attempt(handle: Callable[[Job], Any]) -> None:
    @task
    def send() -> None:
        print("half a line", end="")
        raise ValueError

    stdout = io.StringIO()
    with contextlib.redirect_stdout(stdout):
        restore = capture_output()
        try:
            with pytest.raises(ValueError, match=r"^$"):
                handle(a_job("send"))
        finally:
            restore()
    assert json.loads(stdout.getvalue())["message"] == "half a line"
    assert sys.stdout is not stdout


def test_each_type_has_its_own_retry_policy_and_the_stacks_where_it_says_nothing(registry: Registry) -> None:
    @task(backoff=(1, 60), jitter=True)
    def send() -> None: ...

    @task
    def resize() -> None: ...

    of_the_stack = RetryPolicy(5, 300)
    assert retry_policies(registry, of_the_stack) == {"send": RetryPolicy(1, 60, jitter=True), "resize": of_the_stack}
