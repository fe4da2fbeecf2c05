"""Submitting many tasks: what is refused, what is not available, and what ends it all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ftask.aws.api import Accepted, ApiClient, ApiError
from ftask.core.errors import FtaskError
from ftask.ops.submit import BATCHES_AT_ONCE, InputTask, Submitted, submit_tasks
from tests.support.fake_http import Reply, accepted, fake_client, refused


def tasks(count: int) -> list[InputTask]:
    return [InputTask(f'{{"n":{number}}}', line=number + 1) for number in range(count)]


def numbers(body: Any) -> list[int]:
    return [task["payload"]["n"] for task in body["tasks"]]


def accept_all(path: str, body: Any) -> Reply:
    if path == "/tasks":
        return Reply(202, accepted(body["n"]))
    return Reply(202, {"results": [accepted(number) for number in numbers(body)]})


def drive(client: ApiClient, count: int) -> tuple[Submitted, FtaskError | None]:
    submitted = Submitted()
    try:
        for outcomes in submit_tasks(client, tasks(count)):
            submitted.add(outcomes)
    except FtaskError as error:
        return submitted, error
    return submitted, None


def test_tasks_go_in_batches_of_a_hundred_and_are_reported_in_order() -> None:
    client, http, _ = fake_client(accept_all)
    submitted, error = drive(client, 301)
    assert error is None
    assert [int(task.task_id, 16) for task in submitted.accepted] == list(range(301))
    assert sorted(path for path, _ in http.requests) == ["/tasks", *["/tasks/batch"] * 3]
    keys = {task["idempotencyKey"] for path, body in http.requests if path == "/tasks/batch" for task in body["tasks"]}
    assert len(keys) == 300


def test_a_refused_task_keeps_no_other_back_and_an_unavailable_one_is_no_refusal() -> None:
    def reply(path: str, body: Any) -> Reply:
        kinds: dict[int, Callable[[], dict[str, Any]]] = {1: lambda: refused(422), 2: lambda: refused(503)}
        return Reply(202, {"results": [kinds.get(number, lambda: accepted())() for number in numbers(body)]})

    submitted, error = drive(fake_client(reply)[0], 4)
    assert error is None
    assert len(submitted.accepted) == 2
    assert [(task.line, refusal.status) for task, refusal in submitted.refused] == [(2, 422)]
    assert [(task.line, refusal.status) for task, refusal in submitted.unavailable] == [(3, 503)]


@pytest.mark.parametrize("count", [1, 1000])
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503, None])
def test_a_request_that_fails_as_a_whole_ends_the_submission_once_and_refuses_no_task(
    status: int | None, count: int
) -> None:
    client, http, _ = fake_client(lambda path, body: None if status is None else Reply(status, {}))
    submitted, error = drive(client, count)
    assert submitted == Submitted()
    assert (error.status if isinstance(error, ApiError) else None) == status
    assert error is not None
    # No batch begins after the first that failed; those on their way have their retries.
    assert len(http.requests) <= BATCHES_AT_ONCE * 4


def test_what_was_accepted_before_the_failure_is_reported() -> None:
    def reply(path: str, body: Any) -> Reply:
        return Reply(401, {}) if 200 in numbers(body) else accept_all(path, body)

    submitted, error = drive(fake_client(reply)[0], 1000)
    assert isinstance(error, ApiError)
    assert len(submitted.accepted) >= 200
    assert 200 not in {int(task.task_id, 16) for task in submitted.accepted}
    assert submitted.refused == []


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_single_task_that_is_refused_is_a_refusal(status: int) -> None:
    submitted, error = drive(fake_client(lambda path, body: Reply(status, {"detail": "no"}))[0], 1)
    assert error is None
    assert [(task.line, refusal.message) for task, refusal in submitted.refused] == [(1, "no")]


def test_a_reader_that_stops_ends_the_retries() -> None:
    client, _, _ = fake_client(accept_all)
    outcomes = submit_tasks(client, tasks(500))
    assert all(isinstance(outcome, Accepted) for _, outcome in next(outcomes))
    outcomes.close()
    assert client.stopping.is_set()


def test_a_batch_that_the_api_finds_too_large_is_sent_in_halves() -> None:
    def reply(path: str, body: Any) -> Reply:
        if path == "/tasks/batch" and len(body["tasks"]) > 2:
            return Reply(413, {"detail": "too large"})
        return accept_all(path, body)

    submitted, error = drive(fake_client(reply)[0], 5)
    assert error is None
    assert [int(task.task_id, 16) for task in submitted.accepted] == list(range(5))


def test_what_one_half_of_a_batch_brought_is_reported_if_the_other_fails() -> None:
    def reply(path: str, body: Any) -> Reply:
        if len(body["tasks"]) > 2:
            return Reply(413, {"detail": "too large"})
        return accept_all(path, body) if 0 in numbers(body) else Reply(403)

    submitted, error = drive(fake_client(reply)[0], 4)
    assert [int(task.task_id, 16) for task in submitted.accepted] == [0, 1]
    assert isinstance(error, ApiError)
    assert error.status == 403
