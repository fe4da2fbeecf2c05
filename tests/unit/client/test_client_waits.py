"""Waiting for results: one poller for all waits of a client, few requests, and what a wait raises."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Mapping
from typing import Any

import pytest

from ftask import TaskCancelled, TaskFailed, UnknownTaskError, WaitTimeout
from ftask.client.polling import LONGEST_PAUSE_SECONDS, SHORTEST_PAUSE_SECONDS, Polling
from tests.support.gateway import Gateway


class Tasks:
    """Tasks that end after so many rounds of reading; a round ends when one of them is read again."""

    def __init__(self, count: int, rounds: int = 1, **end: Any) -> None:
        self.ids = [f"{number:032x}" for number in range(count)]
        self.end = {"status": "COMPLETED", "result": 7} | end
        self.rounds = rounds
        self.reads: dict[str, int] = {}
        self.gateway = Gateway(self._serve)

    def _serve(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        assert (method, path) == ("POST", "/tasks/query")
        asked = json.loads(body)["taskIds"]
        assert len(asked) <= 100
        tasks = [self._state(task_id) for task_id in asked if task_id in self.ids]
        return 200, {}, json.dumps({"tasks": tasks, "unread": []}).encode()

    def _state(self, task_id: str) -> dict[str, Any]:
        self.reads[task_id] = self.reads.get(task_id, 0) + 1
        has_ended = self.reads[task_id] >= self.rounds
        state = self.end if has_ended else {"status": "PENDING"}
        return {"taskId": task_id, "type": "double", "attempts": 1, "epoch": 0} | state


def test_a_thousand_waits_take_ten_requests_a_round() -> None:
    tasks = Tasks(1000, rounds=2)
    client = tasks.gateway.client()
    infos = client.wait([client.handle(task_id) for task_id in tasks.ids], timeout=60)
    assert [info.id for info in infos] == tasks.ids
    assert len(tasks.gateway.requests) == 20


def test_a_loop_over_a_thousand_results_takes_ten_requests_too() -> None:
    tasks = Tasks(1000)
    client = tasks.gateway.client()
    handles = [client.handle(task_id) for task_id in tasks.ids]
    assert [handle.result(timeout=60) for handle in handles] == [7] * 1000
    assert len(tasks.gateway.requests) == 10


def test_waits_in_many_threads_share_their_requests() -> None:
    tasks = Tasks(50, rounds=3)
    client = tasks.gateway.client()
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda task_id=task_id: results.append(client.handle(task_id).result(timeout=60)))
        for task_id in tasks.ids
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [7] * 50
    assert len(tasks.gateway.requests) < 50


def test_waits_of_an_event_loop_share_their_requests() -> None:
    tasks = Tasks(1000, rounds=2)

    async def results() -> list[Any]:
        async with tasks.gateway.async_client() as client:
            return await asyncio.gather(*(client.handle(task_id).result(timeout=60) for task_id in tasks.ids))

    assert asyncio.run(results()) == [7] * 1000
    assert len(tasks.gateway.requests) <= 30


@pytest.mark.parametrize("transport", ["sync", "async"])
def test_handles_come_as_their_tasks_end(transport: str) -> None:
    tasks = Tasks(3)
    tasks.reads[tasks.ids[0]] = -2  # ends two rounds after the others

    async def completed() -> list[str]:
        client = tasks.gateway.async_client()
        handles = [client.handle(task_id) for task_id in tasks.ids]
        return [handle.id async for handle in client.as_completed(handles, timeout=60)]

    if transport == "sync":
        client = tasks.gateway.client()
        handles = [client.handle(task_id) for task_id in tasks.ids]
        ids = [handle.id for handle in client.as_completed(handles, timeout=60)]
    else:
        ids = asyncio.run(completed())
    assert ids[-1] == tasks.ids[0]
    assert sorted(ids) == tasks.ids


def test_a_wait_says_how_a_task_ended_without_a_result() -> None:
    failed = Tasks(1, status="FAILED", lastError={"type": "ValueError", "message": "no"}, result=None)
    with pytest.raises(TaskFailed, match="ValueError: no") as caught:
        failed.gateway.client().handle(failed.ids[0]).result(timeout=60)
    assert (caught.value.error_type, caught.value.attempts, caught.value.task_id) == ("ValueError", 1, failed.ids[0])
    cancelled = Tasks(1, status="CANCELLED", result=None)
    with pytest.raises(TaskCancelled):
        cancelled.gateway.client().handle(cancelled.ids[0]).result(timeout=60)


def test_a_failed_task_is_asked_for_again_because_it_may_be_redriven() -> None:
    tasks = Tasks(1, status="FAILED", result=None)
    handle = tasks.gateway.client().handle(tasks.ids[0])
    with pytest.raises(TaskFailed):
        handle.result(timeout=60)
    tasks.end = {"status": "COMPLETED", "result": 8}
    assert handle.result(timeout=60) == 8


@pytest.mark.parametrize("transport", ["sync", "async"])
def test_a_wait_that_is_over_names_the_tasks_that_go_on(transport: str) -> None:
    tasks = Tasks(2, rounds=10**9)

    def wait() -> None:
        client = tasks.gateway.client()
        client.wait([client.handle(task_id) for task_id in tasks.ids], timeout=0.01)

    async def wait_in_a_loop() -> None:
        client = tasks.gateway.async_client()
        await client.wait([client.handle(task_id) for task_id in tasks.ids], timeout=0.01)

    with pytest.raises(WaitTimeout) as caught:
        wait() if transport == "sync" else asyncio.run(wait_in_a_loop())
    assert caught.value.task_ids == tasks.ids
    assert isinstance(caught.value, TimeoutError)


def test_a_task_that_does_not_exist_is_not_waited_for() -> None:
    with pytest.raises(UnknownTaskError):
        Tasks(0).gateway.client().handle("f" * 32).wait(timeout=60)


def test_the_pauses_grow_from_the_shortest_to_the_longest_and_begin_anew_with_a_new_wait() -> None:
    polling = Polling()
    task = polling.follow("a")
    polling.begin([task])
    now, pauses = 0.0, []
    for _ in range(12):
        polling.round(now)
        pauses.append(round(polling.due - now, 6))
        now = polling.due
    assert pauses[0] == pytest.approx(SHORTEST_PAUSE_SECONDS)
    assert pauses[-1] == pytest.approx(LONGEST_PAUSE_SECONDS)
    assert pauses == sorted(pauses)
    polling.begin([polling.follow("b")])
    assert polling.due <= now + SHORTEST_PAUSE_SECONDS
