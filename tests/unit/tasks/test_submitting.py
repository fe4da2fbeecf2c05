"""A declared task can be submitted: typed by its signature and its result, and once however often its attempt runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import date
from typing import Any, assert_type

import pytest

from ftask import AsyncHandle, Handle, task
from ftask.client.connection import Connection
from ftask.tasks.testing import running
from tests.support.gateway import URL, Gateway


@pytest.fixture
def gateway(registry: Any) -> Gateway:
    def accept(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
        sent.append((path, headers["idempotency-key"], json.loads(body)))
        return 202, {}, json.dumps({"taskId": "0" * 32, "status": "PENDING", "createdAt": "now"}).encode()

    sent.clear()
    return Gateway(accept)


sent: list[tuple[str, str, Any]] = []


def client_of(gateway: Gateway) -> Any:
    client = gateway.client()
    client._shared._connection = Connection(URL, "eu-west-1", lambda: None, token="a token")
    return client


def test_a_task_is_submitted_by_its_arguments_and_stays_a_function(gateway: Gateway) -> None:
    @task
    def invoice(order: int, email: str = "a@b.c") -> dict[str, int]:
        return {"order": order}

    submitting = invoice.options(key="k", delay=5, client=client_of(gateway))
    handle = submitting.submit(17, email="x@y.z")
    assert_type(handle, Handle[dict[str, int]])
    assert sent == [("/tasks?delay=5.0&type=invoice", "k", {"order": 17, "email": "x@y.z"})]
    assert_type(invoice(3), dict[str, int])
    assert invoice(3) == {"order": 3}
    with pytest.raises(TypeError, match="missing a required argument: 'order'"):
        submitting.submit()  # type: ignore[call-arg]
    with pytest.raises(TypeError):
        submitting.submit(17, mail="x@y.z")  # type: ignore[call-arg]


def test_what_pydantic_converts_is_submitted_as_json_has_it(gateway: Gateway) -> None:
    @task(name="report.daily")
    def report(day: date, **more: int) -> None: ...

    report.options(client=client_of(gateway)).submit(date(2026, 12, 1), pages=3)
    assert sent[0][2] == {"day": "2026-12-01", "pages": 3}


def test_an_async_task_is_typed_by_what_it_returns(gateway: Gateway) -> None:
    @task(timeout=5)
    async def resize(image: str) -> int:
        return len(image)

    async def submit() -> None:
        client = gateway.async_client()
        client._shared.connect = lambda: Connection(URL, "eu-west-1", lambda: None, token="a token")
        handle = await resize.options(async_client=client).submit_async(image="a.png")
        assert_type(handle, AsyncHandle[int])

    asyncio.run(submit())
    assert sent[0][2] == {"image": "a.png"}
    assert asyncio.run(resize("abc")) == 3


def test_a_retry_submits_under_the_keys_of_the_attempt_before_and_the_next_epoch_under_others(gateway: Gateway) -> None:
    @task
    def part(n: int) -> None: ...

    submitting = part.options(client=client_of(gateway))

    def attempt(number: int, epoch: int = 0) -> list[str]:
        sent.clear()
        with running(attempt=number, epoch=epoch, task_id="f" * 32):
            for n in range(3):
                submitting.submit(n)
        return [key for _, key, _ in sent]

    first = attempt(1)
    assert len(set(first)) == 3
    assert attempt(2) == first
    assert not set(attempt(1, epoch=1)) & set(first)
    sent.clear()
    submitting.submit(1)
    assert sent[0][1] not in first


def test_a_key_of_the_task_s_own_goes_before_the_derived_one(gateway: Gateway) -> None:
    @task
    def part(n: int) -> None: ...

    with running():
        part.options(key="mine", client=client_of(gateway)).submit(1)
    assert sent[0][1] == "mine"
