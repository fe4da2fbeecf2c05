"""Submitting many tasks: what is refused, what is not available, and what ends it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ftask.aws.api import ApiClient
from ftask.client.answers import Accepted
from ftask.client.errors import ApiError
from ftask.client.requests import BATCHES_AT_ONCE
from ftask.client.retrying import MAX_RETRIES
from ftask.core.errors import FtaskError
from ftask.core.payload import MAX_BATCH_TASKS
from ftask.submission.job import InputTask, Job, Rejected
from ftask.submission.sending import BATCHES_AHEAD, submit_tasks
from tests.support.fake_http import Reply, accepted, fake_client, refused


def tasks(count: int) -> list[InputTask]:
    return [InputTask(f'{{"n":{number}}}', f"key {number}", number + 1) for number in range(count)]


def numbers(body: Any) -> list[int]:
    return [task["payload"]["n"] for task in body["tasks"]]


def accept_all(path: str, body: Any) -> Reply:
    if path == "/tasks":
        return Reply(202, accepted(body["n"]))
    return Reply(202, {"results": [accepted(number) for number in numbers(body)]})


def drive(client: ApiClient, count: int) -> tuple[Job, FtaskError | None]:
    job = Job()
    job.add(tasks(count))
    try:
        for outcomes in submit_tasks(client, job.to_send()):
            job.note(outcomes)
    except FtaskError as error:
        return job, error
    return job, None


def test_tasks_go_in_batches_of_a_hundred_and_are_reported_in_order() -> None:
    client, http, _ = fake_client(accept_all)
    job, error = drive(client, 301)
    assert error is None
    assert [int(task.task_id, 16) for task in job.accepted()] == list(range(301))
    assert sorted(path for path, _ in http.requests) == ["/tasks", *["/tasks/batch"] * 3]
    keys = {task["idempotencyKey"] for path, body in http.requests if path == "/tasks/batch" for task in body["tasks"]}
    assert len(keys) == 300


def test_a_refused_task_keeps_no_other_back_and_an_unavailable_one_is_no_refusal() -> None:
    def reply(path: str, body: Any) -> Reply:
        kinds: dict[int, Callable[[], dict[str, Any]]] = {1: lambda: refused(422), 2: lambda: refused(503)}
        return Reply(202, {"results": [kinds.get(number, lambda: accepted())() for number in numbers(body)]})

    job, error = drive(fake_client(reply)[0], 4)
    assert error is None
    assert job.accepted_count == 2
    assert list(job.rejected()) == [Rejected(2, '{"n":1}', "refused with 422")]
    assert job.first_refusal is not None
    assert job.first_refusal.status == 422
    assert job.first_unavailable is not None
    assert job.first_unavailable.status == 503


@pytest.mark.parametrize("count", [1, 1000])
@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503, None])
def test_a_request_that_fails_as_a_whole_ends_the_submission_once_and_refuses_no_task(
    status: int | None, count: int
) -> None:
    client, http, _ = fake_client(lambda path, body: None if status is None else Reply(status, {}))
    job, error = drive(client, count)
    assert job.accepted_count == job.rejected_count == 0
    assert (error.status if isinstance(error, ApiError) else None) == status
    assert error is not None
    # No batch begins after the first that failed; those on their way have their retries.
    assert len(http.requests) <= BATCHES_AT_ONCE * (1 + MAX_RETRIES)


def test_what_was_accepted_before_the_failure_is_reported() -> None:
    def reply(path: str, body: Any) -> Reply:
        return Reply(401, {}) if 200 in numbers(body) else accept_all(path, body)

    job, error = drive(fake_client(reply)[0], 1000)
    assert isinstance(error, ApiError)
    assert job.accepted_count >= 200
    assert 200 not in {int(task.task_id, 16) for task in job.accepted()}
    assert not job.rejected_count


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_a_single_task_that_is_refused_is_a_refusal(status: int) -> None:
    job, error = drive(fake_client(lambda path, body: Reply(status, {"detail": "no"}))[0], 1)
    assert error is None
    assert list(job.rejected()) == [Rejected(1, '{"n":0}', "no")]


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

    job, error = drive(fake_client(reply)[0], 5)
    assert error is None
    assert [int(task.task_id, 16) for task in job.accepted()] == list(range(5))


def test_what_one_half_of_a_batch_brought_is_reported_if_the_other_fails() -> None:
    def reply(path: str, body: Any) -> Reply:
        if len(body["tasks"]) > 2:
            return Reply(413, {"detail": "too large"})
        return accept_all(path, body) if 0 in numbers(body) else Reply(403)

    job, error = drive(fake_client(reply)[0], 4)
    assert [int(task.task_id, 16) for task in job.accepted()] == [0, 1]
    assert isinstance(error, ApiError)
    assert error.status == 403


def test_tasks_are_read_as_they_are_sent() -> None:
    read = 0

    def counted() -> Iterator[InputTask]:
        nonlocal read
        for task in tasks(10_000):
            read += 1
            yield task

    client, _, _ = fake_client(accept_all)
    batches = submit_tasks(client, counted())
    for number in range(1, 50):
        next(batches)
        # One more task, by which a batch is known to be full.
        assert read <= (number + BATCHES_AHEAD) * MAX_BATCH_TASKS + 1
    batches.close()
    assert read < 10_000


def test_where_the_reader_stops_it_gets_what_became_of_the_requests_on_their_way() -> None:
    client, http, _ = fake_client(accept_all)
    job = Job()
    batches = submit_tasks(client, tasks(5 * MAX_BATCH_TASKS), late=job.note)
    job.note(next(batches))
    batches.close()
    sent = sum(len(body["tasks"]) for _, body in http.requests)
    assert job.accepted_count == sent > MAX_BATCH_TASKS
