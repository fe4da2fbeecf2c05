from __future__ import annotations

import pytest

from ftask.core.codec import (
    MalformedMessageError,
    UnknownVersionError,
    decode_message,
    encode_message,
    task_to_json,
)
from ftask.core.model import Message, Status
from tests.support.builders import TASK_ID, a_full_task, a_large_task, a_running_task, a_task


def test_a_message_survives_the_queue() -> None:
    assert decode_message(encode_message(Message(TASK_ID, 4))) == Message(TASK_ID, 4)


def test_a_message_of_this_version_is_what_earlier_releases_wrote() -> None:
    body = '{"v":1,"taskId":"0123456789abcdef0123456789abcdef","epoch":0}'
    assert encode_message(Message(TASK_ID, 0)) == body
    assert decode_message(body) == Message(TASK_ID, 0)


def test_earlier_releases_leave_the_message_of_a_task_whose_payload_they_cannot_read_in_the_queue() -> None:
    body = f'{{"v":2,"taskId":"{TASK_ID}","epoch":0}}'
    assert encode_message(a_large_task().message) == body
    assert decode_message(body) == a_large_task().message != a_task().message == Message(TASK_ID)


def test_a_field_that_a_later_release_adds_is_ignored() -> None:
    body = f'{{"v":1,"taskId":"{TASK_ID}","epoch":0,"trace":"x"}}'
    assert decode_message(body) == Message(TASK_ID, 0)


def test_a_format_of_a_later_release_is_not_guessed_at() -> None:
    with pytest.raises(UnknownVersionError):
        decode_message(f'{{"v":3,"taskId":"{TASK_ID}","epoch":0}}')


@pytest.mark.parametrize(
    "body",
    [
        "",
        "hello",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        f'{{"taskId":"{TASK_ID}","epoch":0}}',
        f'{{"v":0,"taskId":"{TASK_ID}","epoch":0}}',
        f'{{"v":true,"taskId":"{TASK_ID}","epoch":0}}',
        '{"v":1,"epoch":0}',
        '{"v":1,"taskId":"short","epoch":0}',
        f'{{"v":1,"taskId":"{TASK_ID}\\n","epoch":0}}',
        f'{{"v":1,"taskId":"{TASK_ID}"}}',
        f'{{"v":1,"taskId":"{TASK_ID}","epoch":-1}}',
        f'{{"v":1,"taskId":"{TASK_ID}","epoch":1.5}}',
    ],
)
def test_what_is_not_a_task_message_is_malformed(body: str) -> None:
    with pytest.raises(MalformedMessageError):
        decode_message(body)


def test_the_public_form_has_the_names_that_clients_know() -> None:
    public = task_to_json(a_full_task())
    assert public["taskId"] == TASK_ID
    assert public["payload"] == {"message": "SUCCESS"}
    assert public["retryCount"] == 1
    assert public["lastError"] == {"type": "ValueError", "message": "no ünïcode 🎉"}
    assert public["lastProcessedAt"] == "2026-01-01T12:00:00.000Z"
    assert public["history"][0]["backoffSeconds"] == 2.5
    assert public["result"] == {"a": 1}


def test_the_public_form_says_nothing_of_leases_that_are_over() -> None:
    assert "leaseUntil" in task_to_json(a_running_task())
    assert "leaseUntil" not in task_to_json(a_full_task())
    assert not any("lease" in name.lower() and name != "leaseUntil" for name in task_to_json(a_full_task()))


def test_a_result_of_null_is_a_result() -> None:
    assert task_to_json(a_task(status=Status.COMPLETED, result="null"))["result"] is None
