"""`ftask.testing`: a task's attempt in a test, without a queue."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import pytest

import ftask.testing
from ftask import PermanentError, RetryAfter, current, task
from ftask.core.errors import FtaskError, PayloadError, TimedOut
from ftask.core.model import Status
from ftask.tasks.errors import InvalidPayload, OutsideTaskError


def test_a_completed_attempt_has_the_result_as_it_is_stored() -> None:
    @task
    def send(order_id: int, day: date) -> dict[str, Any]:
        return {"order": order_id, "day": day, "pair": (1, 2)}

    outcome = ftask.testing.run(send, {"order_id": "17", "day": "2026-01-01"})
    assert outcome.completed
    assert not outcome.failed
    assert outcome.status is Status.COMPLETED
    assert outcome.result == {"order": 17, "day": "2026-01-01", "pair": [1, 2]}
    assert (outcome.error, outcome.retry_after, outcome.permanent) == (None, None, False)


def test_a_failed_attempt_is_retried_until_the_last_one() -> None:
    @task
    def send() -> str:
        if current().attempt < 3:
            raise ValueError("not yet")
        return "sent"

    first = ftask.testing.run(send, max_attempts=2)
    assert first.failed
    assert not first.completed
    assert first.status is Status.RETRYING
    assert isinstance(first.error, ValueError)
    assert not first.permanent
    assert ftask.testing.run(send, attempt=2, max_attempts=2).status is Status.FAILED
    assert ftask.testing.run(send, attempt=3).result == "sent"


def test_a_task_chooses_its_delay_or_its_end() -> None:
    @task
    def send(code: int) -> None:
        if code == 429:
            raise RetryAfter(0.5)
        raise PermanentError("refused")

    busy = ftask.testing.run(send, {"code": 429})
    assert (busy.status, busy.retry_after, busy.permanent) == (Status.RETRYING, 0.5, False)
    refused = ftask.testing.run(send, {"code": 422})
    assert (refused.status, refused.retry_after, refused.permanent) == (Status.FAILED, None, True)
    assert str(refused.error) == "refused"


def test_a_payload_that_does_not_fit_is_a_permanent_failure() -> None:
    @task
    def send(order_id: int) -> None: ...

    outcome = ftask.testing.run(send, {"order": 1})
    assert outcome.permanent
    assert isinstance(outcome.error, InvalidPayload)


def test_a_result_that_cannot_be_stored_is_a_permanent_failure() -> None:
    @task
    def send() -> Any:
        return object()

    assert ftask.testing.run(send).permanent


def test_the_attempt_is_what_the_test_says() -> None:
    @task(max_attempts=7)
    def look() -> list[Any]:
        run = current()
        return [run.task_id, run.type, run.epoch, run.attempt, run.max_attempts, run.remaining() > 50]

    zeros = "0" * 32
    assert ftask.testing.run(look).result == [zeros, "look", 0, 1, 7, False]
    outcome = ftask.testing.run(look, epoch=2, attempt=3, max_attempts=4, task_id="x", seconds=60)
    assert outcome.result == ["x", "look", 2, 3, 4, True]


def test_an_async_task_is_run_and_timed_out() -> None:
    @task(timeout=0.05)
    async def resize(seconds: float) -> str:
        await asyncio.sleep(seconds)
        return "resized"

    assert ftask.testing.run(resize, {"seconds": 0}).result == "resized"
    late = ftask.testing.run(resize, {"seconds": 60})
    assert isinstance(late.error, TimedOut)
    assert late.status is Status.RETRYING


def test_inside_of_an_event_loop_the_error_says_what_to_write() -> None:
    @task
    async def resize() -> None: ...

    async def test() -> None:
        ftask.testing.run(resize)

    with pytest.raises(FtaskError) as caught:
        asyncio.run(test())
    assert "inside of an event loop" in caught.value.message
    assert "await the task inside `with ftask.testing.running():`" in str(caught.value.hint)


@pytest.mark.parametrize("payload", [{"day": date(2026, 1, 1)}, {"x": float("nan")}, {"x": {1}}])
def test_a_payload_that_no_client_could_send_is_refused(payload: dict[str, Any]) -> None:
    @task
    def send(**anything: Any) -> None: ...

    with pytest.raises(FtaskError, match="The payload is not JSON"):
        ftask.testing.run(send, payload)


def test_a_payload_that_the_api_would_refuse_is_refused() -> None:
    @task
    def send(**anything: Any) -> None: ...

    with pytest.raises(PayloadError):
        ftask.testing.run(send, {"x": "x" * 300_000})


def test_a_function_that_is_not_a_task_is_refused() -> None:
    def plain() -> None: ...

    with pytest.raises(FtaskError, match=r"plain\(\) is not a task") as caught:
        ftask.testing.run(plain)
    assert caught.value.hint == "Put @task above it: from ftask import task."


def test_a_test_can_call_the_function_itself() -> None:
    @task
    def look(word: str) -> str:
        return f"{word} {current().attempt} {current().type}"

    with ftask.testing.running(attempt=2, type="look") as run:
        assert look("attempt") == "attempt 2 look"
        assert current() is run
    with pytest.raises(OutsideTaskError):
        look("attempt")


def test_a_test_can_declare_tasks_of_its_own() -> None:
    with ftask.testing.fresh_registry() as registry:

        @task
        def mine() -> None: ...

    assert registry.names == ["mine"]


def test_an_interrupt_ends_the_test_run() -> None:
    @task
    def send() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ftask.testing.run(send)
