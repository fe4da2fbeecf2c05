"""A test of an application collects what it submits, and needs no stage."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from ftask import Client, NewTask, task
from ftask.core.errors import FtaskError
from ftask.core.labels import LabelError
from ftask.testing import submissions


@pytest.fixture
def invoice(registry: Any) -> Any:
    @task
    def invoice(order: int, email: str = "a@b.c") -> None: ...

    return invoice


def test_submissions_are_collected_with_their_options_and_nothing_is_sent(invoice: Any) -> None:
    with submissions() as sent:
        first = invoice.submit(17, email="x@y.z")
        second = invoice.options(key="order-18", group="acme", delay=60, if_exists="raise").submit(18)
    assert sent == [
        NewTask("invoice", {"order": 17, "email": "x@y.z"}),
        NewTask("invoice", {"order": 18}, key="order-18", group="acme", delay=60),
    ]
    assert first.id != second.id
    assert second.key == "order-18"


def test_submissions_of_threads_of_an_event_loop_and_with_a_client_are_collected(invoice: Any) -> None:
    with submissions() as sent, ThreadPoolExecutor() as pool:
        pool.submit(invoice.submit, 1).result()
        handle = asyncio.run(invoice.submit_async(order=2))
        invoice.options(client=Client(api_url="https://unreachable.invalid")).submit(3)
    assert [new.payload["order"] for new in sent] == [1, 2, 3]
    assert handle.key


def test_a_submission_that_the_application_could_not_make_fails_in_the_test(invoice: Any) -> None:
    with submissions() as sent:
        with pytest.raises(TypeError, match="missing a required argument"):
            invoice.submit()
        with pytest.raises(LabelError):
            invoice.options(group="a b").submit(1)
    assert sent == []


def test_a_collected_task_has_no_result_and_says_so(invoice: Any) -> None:
    with submissions():
        with pytest.raises(FtaskError, match="does not run, and has no result"):
            invoice.submit(1).result(timeout=5)
        with pytest.raises(FtaskError, match="does not run, and has no result"):
            asyncio.run(_status(invoice))


def test_an_inner_block_collects_for_itself(invoice: Any) -> None:
    with submissions() as outer:
        with submissions() as inner:
            invoice.submit(1)
        invoice.submit(2)
    assert [len(inner), len(outer)] == [1, 1]


async def _status(invoice: Any) -> Any:
    return await (await invoice.submit_async(1)).status()
