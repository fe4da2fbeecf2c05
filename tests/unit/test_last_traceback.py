"""The traceback that `ftask get` shows: of the last failed attempt, found with little of the log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ftask.aws.stage import Stage
from ftask.core.events import attempt_failed
from ftask.core.model import WORKER_LOST
from ftask.core.timestamps import to_iso
from ftask.ops.logs import last_traceback
from tests.support.builders import TASK_ID
from tests.support.clock import EPOCH


class Log:
    """A stage whose worker has logged these failed attempts: epoch, attempt and traceback of each."""

    def __init__(self, *failures: tuple[int, int, str]) -> None:
        self._failures = failures
        self.requests: list[Any] = []
        logs = SimpleNamespace(get_paginator=lambda _: SimpleNamespace(paginate=self._paginate))
        stack = SimpleNamespace(
            parameters={"WorkerTimeout": "20"}, outputs=SimpleNamespace(worker_log_group="/aws/lambda/worker")
        )
        self.stage = Stage(cast(Any, SimpleNamespace(logs=logs)), cast(Any, stack))

    def _paginate(self, **request: Any) -> Iterator[Any]:
        self.requests.append(request)
        events = [{"timestamp": 0, "message": "START RequestId: x"}]
        for epoch, attempt, trace in self._failures:
            event = attempt_failed(TASK_ID, "greet", epoch, attempt, ValueError("no"), trace)
            line = {"timestamp": to_iso(EPOCH), "level": event.level, "event": event.name, **event.fields}
            events.append({"timestamp": 0, "message": json.dumps(line)})
        yield {"events": events}


def a_task(*errors: str | None, **fields: Any) -> dict[str, Any]:
    """The JSON form of a task whose attempts of its first epoch failed so, or did not fail; one a minute."""
    history = [
        {"attempt": number, "epoch": 0, "startedAt": to_iso(at), "endedAt": to_iso(at + timedelta(seconds=1))}
        | ({} if error is None else {"error": {"type": error, "message": "no"}})
        for number, error in enumerate(errors, 1)
        for at in [EPOCH + timedelta(minutes=number)]
    ]
    last = {"type": errors[-1], "message": "no"}
    return {"taskId": TASK_ID, "type": "greet", "history": history, "lastError": last} | fields


def test_it_is_the_one_of_the_last_failed_attempt() -> None:
    log = Log((0, 1, "first"), (1, 2, "of another epoch"), (0, 2, "second"))
    assert last_traceback(log.stage, a_task("ValueError", "ValueError")) == "second"


def test_only_the_time_around_the_attempt_is_searched() -> None:
    log = Log()
    assert last_traceback(log.stage, a_task("ValueError", "ValueError")) is None
    (request,) = log.requests
    attempt_at = 1000 * int((EPOCH + timedelta(minutes=2)).timestamp())
    assert attempt_at - 30_000 < request["startTime"] < attempt_at
    assert attempt_at + 21_000 < request["endTime"] < attempt_at + 60_000
    assert request["filterPattern"] == f'"{TASK_ID}"'


@pytest.mark.parametrize(
    "task",
    [
        {key: value for key, value in a_task("ValueError", None).items() if key != "lastError"},
        a_task("ValueError", type="experiment"),
        a_task(WORKER_LOST),
        a_task("RetryAfter"),
        a_task("ValueError", history=[]),
    ],
    ids=["completed", "experiment", "lost worker", "error that says everything", "cancelled before its first attempt"],
)
def test_a_task_that_has_none_costs_no_request(task: dict[str, Any]) -> None:
    log = Log((0, 1, "first"))
    assert last_traceback(log.stage, task) is None
    assert log.requests == []
