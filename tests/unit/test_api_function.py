"""The API function as Lambda starts it: what it makes of its settings, and of the time that it has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ftask.core.threads import CALLS_AT_ONCE, several_at_once
from stack.handlers import api
from tests.support.http import event_of

SETTINGS = {
    "FTASK_STACK": "ftask-test",
    "FTASK_TABLE": "ftask-test-tasks",
    "FTASK_QUEUE_URL": "https://sqs.us-east-1.amazonaws.com/123456789012/ftask-test",
    "FTASK_MAX_ATTEMPTS": "2",
    "FTASK_RETENTION_DAYS": "30",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    api.api.cache_clear()
    yield
    api.api.cache_clear()


def test_the_function_has_a_connection_for_each_call_that_it_makes_at_once() -> None:
    submitter = api.api().submitter
    assert submitter.call_map is several_at_once
    for client in (submitter.store._client(), submitter.queue._client()):  # type: ignore[attr-defined]
        assert client.meta.config.max_pool_connections == CALLS_AT_ONCE


def test_a_batch_knows_how_much_time_the_function_has() -> None:
    event = event_of("POST", "/tasks/batch", body=json.dumps({"tasks": [{"payload": {}}]}).encode())
    # No call to AWS is made, so there is nothing here that could answer one.
    answer = api.handler(event, SimpleNamespace(get_remaining_time_in_millis=lambda: 1_000))
    (result,) = json.loads(answer["body"])["results"]
    assert "no time left" in result["problem"]["detail"]
