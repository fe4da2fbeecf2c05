"""When a request is sent again, and after how long."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from functools import partial
from typing import Any

import pytest

from ftask.client.answers import Accepted
from ftask.client.errors import ApiConnectionError, ApiError
from ftask.client.requests import TaskRequest
from ftask.client.retrying import MAX_RETRIES, MAX_RETRY_AFTER_SECONDS, RetryRule, parse_retry_after
from tests.support.fake_http import NOW, Reply, accepted, fake_client, refused

RULE = RetryRule(random=lambda: 0.0, now=lambda: NOW)
PAUSES_SECONDS = [0.5, 1.0, 2.0, 4.0]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (format_datetime(NOW + timedelta(seconds=5), usegmt=True), 5.0),
        ("Sun, 01 Mar 2026 12:00:05 -0000", 5.0),
        (format_datetime(NOW - timedelta(seconds=5), usegmt=True), 0.0),
        ("soon", None),
        ("-1", None),
    ],
)
def test_a_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds


def test_a_pause_is_what_the_answer_says_up_to_the_cap_and_our_own_without_that() -> None:
    assert RULE.pause(1, "7") == 7
    assert RULE.pause(1, "86400") == MAX_RETRY_AFTER_SECONDS
    assert [RULE.pause(number) for number in range(1, MAX_RETRIES + 1)] == PAUSES_SECONDS
    assert RULE.pause(MAX_RETRIES + 1, "7") is None


def test_clients_that_failed_together_come_back_apart_and_no_later_than_the_pause() -> None:
    pauses = [RetryRule(random=partial(float, share)).pause(1) for share in (0.0, 0.5, 1.0)]
    assert pauses == [0.5, 0.4375, 0.375]


def replies(*given: Reply | None) -> Any:
    """Answer one request after the other so."""
    left: Iterator[Reply | None] = iter(given)
    return lambda path, body: next(left)


@pytest.mark.parametrize("status", [429, 503])
def test_a_request_waits_for_what_the_answer_says(status: int) -> None:
    date = format_datetime(NOW + timedelta(seconds=3), usegmt=True)
    client, http, pauses = fake_client(
        replies(
            Reply(status, {}, {"retry-after": "2"}), Reply(status, {}, {"retry-after": date}), Reply(202, accepted(1))
        )
    )
    assert client.submit(TaskRequest("{}", "k")).task_id.endswith("1")
    assert pauses.seconds == [2, 3]
    assert len(http.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415, 422])
def test_an_answer_that_will_not_change_is_not_asked_for_again(status: int) -> None:
    client, http, pauses = fake_client(replies(Reply(status, {"detail": "no"})))
    with pytest.raises(ApiError) as caught:
        client.submit(TaskRequest("{}", "k"))
    assert caught.value.status == status
    assert caught.value.refuses_task == (status in (400, 413, 415, 422))
    assert (len(http.requests), pauses.seconds) == (1, [])


def test_an_api_that_stays_unreachable_is_given_up_after_the_last_pause() -> None:
    client, http, pauses = fake_client(lambda path, body: None)
    with pytest.raises(ApiConnectionError):
        client.get("0" * 32)
    assert len(http.requests) == 1 + MAX_RETRIES
    assert pauses.seconds == PAUSES_SECONDS


def test_a_client_that_is_stopped_repeats_nothing() -> None:
    client, http, _ = fake_client(lambda path, body: Reply(503, {}))
    client.stopping.set()
    with pytest.raises(ApiError):
        client.submit(TaskRequest("{}", "k"))
    assert len(http.requests) == 1


def test_tasks_that_were_unavailable_are_sent_again_alone_under_the_same_keys() -> None:
    client, http, pauses = fake_client(
        replies(
            Reply(202, {"results": [accepted(0), refused(503), refused(422), refused(503)]}),
            Reply(202, {"results": [accepted(1), refused(503)]}),
            Reply(202, {"results": [accepted(3)]}),
        )
    )
    [outcomes] = client.submit_parts([TaskRequest("{}", f"k{number}") for number in range(4)])
    assert isinstance(outcomes, list)
    kinds = [outcome.task_id[-1] if isinstance(outcome, Accepted) else outcome.status for outcome in outcomes]
    assert kinds == ["0", "1", 422, "3"]
    assert [[task["idempotencyKey"] for task in body["tasks"]] for _, body in http.requests] == [
        ["k0", "k1", "k2", "k3"],
        ["k1", "k3"],
        ["k3"],
    ]
    assert pauses.seconds == PAUSES_SECONDS[:2]


def test_tasks_that_were_unavailable_wait_for_as_long_as_the_answer_says() -> None:
    asking = refused(503)
    asking["problem"]["retryAfter"] = 7
    client, _, pauses = fake_client(
        replies(Reply(202, {"results": [asking, refused(503)]}), Reply(202, {"results": [accepted(0), accepted(1)]}))
    )
    [outcomes] = client.submit_parts([TaskRequest("{}", "a"), TaskRequest("{}", "b")])
    assert isinstance(outcomes, list)
    assert len(outcomes) == 2
    assert pauses.seconds == [7]


def test_a_batch_has_as_many_retries_as_a_request_and_keeps_what_was_accepted() -> None:
    client, http, _ = fake_client(
        lambda path, body: Reply(202, {"results": [accepted(0), refused(503)][-len(body["tasks"]) :]})
    )
    [outcomes] = client.submit_parts([TaskRequest("{}", "a"), TaskRequest("{}", "b")])
    assert isinstance(outcomes, list)
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], ApiError)
    assert len(http.requests) == 1 + MAX_RETRIES


def test_a_repetition_that_fails_as_a_whole_loses_nothing_of_the_batch() -> None:
    client, _, _ = fake_client(replies(Reply(202, {"results": [accepted(0), refused(503)]}), Reply(401, {})))
    [outcomes] = client.submit_parts([TaskRequest("{}", "a"), TaskRequest("{}", "b")])
    assert isinstance(outcomes, list)
    assert isinstance(outcomes[0], Accepted)
    assert isinstance(outcomes[1], ApiError)
    assert outcomes[1].status == 503
