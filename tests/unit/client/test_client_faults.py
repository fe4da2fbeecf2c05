"""Whatever happens to requests and answers on their way: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from itertools import count
from random import Random
from typing import Any

import pytest

from ftask import ApiConnectionError, ApiError, AsyncClient, Client, NewTask
from tests.support.gateway import Gateway, Harm
from tests.support.http import api_over
from tests.support.resources import Resources


def harming(seed: int) -> Callable[[], Harm | None]:
    """Every harm once, in an order of the seed's."""
    harms = iter(Random(seed).sample(list(Harm), len(Harm)))
    return lambda: next(harms, None)


def stored(resources: Resources) -> list[str]:
    return [item["taskId"]["S"] for item in resources.dynamodb.scan(TableName=resources.table)["Items"]]


def many(count: int) -> list[NewTask]:
    return [NewTask("experiment", {"n": number}) for number in range(count)]


async def submit_all(gateway: Gateway, tasks: list[NewTask]) -> list[Any]:
    async with gateway.async_client(max_retries=50) as client:
        return [handle async for handle in client.submit_many(tasks)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("transport", ["sync", "async"])
def test_many_tasks_are_each_submitted_once_in_order_through_every_harm(
    moto_resources: Resources, transport: str, seed: int
) -> None:
    gateway = Gateway.of(api_over(moto_resources), harming(seed))
    tasks = many(150)
    if transport == "sync":
        handles: list[Any] = list(gateway.client(max_retries=50).submit_many(tasks))
    else:
        handles = asyncio.run(submit_all(gateway, tasks))
    ids = [handle.id for handle in handles]
    assert sorted(stored(moto_resources)) == sorted(set(ids))
    assert len(ids) == 150
    client = Gateway.of(api_over(moto_resources)).client()
    assert [client.get(task_id).json["payload"]["n"] for task_id in ids[::50]] == list(range(0, 150, 50))
    assert len(gateway.harmed) >= 2


@pytest.mark.parametrize("transport", ["sync", "async"])
def test_a_batch_that_the_api_finds_too_large_is_sent_in_halves(transport: str) -> None:
    def take_two(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        tasks = json.loads(body).get("tasks", [None])
        if len(tasks) > 2:
            return 413, {}, b"{}"
        answers = [{"taskId": f"{next(numbers):032x}", "status": "PENDING", "createdAt": "now"} for _ in tasks]
        return 202, {}, json.dumps({"results": answers} if path == "/tasks/batch" else answers[0]).encode()

    numbers = count()
    gateway = Gateway(take_two)
    handles: list[Any] = (
        list(gateway.client().submit_many(many(7)))
        if transport == "sync"
        else asyncio.run(submit_all(gateway, many(7)))
    )
    assert [int(handle.id, 16) for handle in handles] == list(range(7))


@pytest.mark.parametrize("harm", Harm)
def test_a_task_is_submitted_once_whatever_happens_to_its_first_request(moto_resources: Resources, harm: Harm) -> None:
    harms = iter([harm])
    gateway = Gateway.of(api_over(moto_resources), lambda: next(harms, None))
    handle = gateway.client().submit("experiment", {"message": "SUCCESS"})
    assert stored(moto_resources) == [handle.id]
    assert gateway.harmed[harm] == 1


def test_an_application_killed_before_the_answer_submits_again_under_its_key_and_has_one_task(
    moto_resources: Resources,
) -> None:
    class Killed(BaseException):
        pass

    killed = iter([True])

    class Dying(Gateway):
        def answer(self, *request: Any) -> Any:
            answered = super().answer(*request)
            if next(killed, False):
                raise Killed
            return answered

    api = api_over(moto_resources)
    with pytest.raises(Killed) as caught:
        Dying.of(api).client().submit("experiment", {"order": 17}, key="order-17")
    assert vars(caught.value)["key"] == "order-17"
    handle = Gateway.of(api).client().submit("experiment", {"order": 17}, key="order-17")
    assert stored(moto_resources) == [handle.id]


def test_an_error_says_the_key_under_which_a_repetition_is_one_task(moto_resources: Resources) -> None:
    api = api_over(moto_resources)
    with pytest.raises(ApiConnectionError) as caught:
        Gateway.of(api, lambda: Harm.LOSE).client().submit("experiment", {"order": 17})
    assert caught.value.safe_to_repeat
    handle = Gateway.of(api).client().submit("experiment", {"order": 17}, key=caught.value.key)
    assert stored(moto_resources) == [handle.id]


def test_a_cancelled_await_says_the_key_of_a_request_that_may_have_arrived(moto_resources: Resources) -> None:
    api = api_over(moto_resources)

    async def cancelled() -> str:
        class Slow(Gateway):
            def answer(self, *request: Any) -> Any:
                super().answer(*request)
                submitting.cancel()
                return 503, {}, b""

        client = Slow.of(api).async_client()
        submitting = asyncio.create_task(client.submit("experiment", {"order": 17}))
        with pytest.raises(asyncio.CancelledError) as caught:
            await submitting
        return str(vars(caught.value)["key"])

    key = asyncio.run(cancelled())
    handle = Gateway.of(api).client().submit("experiment", {"order": 17}, key=key)
    assert stored(moto_resources) == [handle.id]


def test_a_cancelled_await_closes_its_connection() -> None:
    async def run() -> bool:
        received, closed = asyncio.Event(), asyncio.Event()

        async def never_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readuntil(b"\r\n\r\n")
            received.set()
            while await reader.read(1024):
                pass
            closed.set()
            writer.close()

        server = await asyncio.start_server(never_answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        async with server, AsyncClient(api_url=f"http://127.0.0.1:{port}", token="a token") as client:
            submitting = asyncio.create_task(client.submit("experiment", {}))
            await received.wait()
            submitting.cancel()
            await asyncio.gather(submitting, return_exceptions=True)
            await asyncio.wait_for(closed.wait(), 30)
            return closed.is_set()

    assert asyncio.run(run())


def test_a_refused_task_of_many_is_in_its_place_and_stops_the_others_only_if_nobody_asked_for_it(
    moto_resources: Resources,
) -> None:
    client = Gateway.of(api_over(moto_resources)).client()
    tasks = [NewTask("experiment", {}), NewTask("missing", {}, key="k"), NewTask("experiment", {})]
    first, refused, last = client.submit_many(tasks, return_exceptions=True)
    assert isinstance(refused, ApiError)
    assert (refused.problem, refused.key) == ("unknown-type", "k")
    assert not isinstance(first, ApiError)
    assert not isinstance(last, ApiError)
    with pytest.raises(ApiError, match="Unknown task type"):
        list(client.submit_many(tasks))


def test_a_stream_of_tasks_is_read_as_it_is_sent() -> None:
    read = 0

    def tasks() -> Any:
        nonlocal read
        for task in many(2000):
            read += 1
            yield task

    def accept(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        accepted = {"taskId": "0" * 32, "status": "PENDING", "createdAt": "now"}
        return 202, {}, json.dumps({"results": [accepted] * len(json.loads(body)["tasks"])}).encode()

    submitting = Gateway(accept).client().submit_many(tasks())
    next(submitting)
    assert read <= 700
    submitting.close()  # type: ignore[attr-defined]


def test_a_client_is_made_without_any_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTASK_STAGE", "prod")
    Client()
