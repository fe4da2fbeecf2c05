from __future__ import annotations

import json
from datetime import timedelta

import pytest

from ftask.core.codec import (
    FAILED_SHARDS,
    MalformedMessageError,
    UnknownVersionError,
    begun_attempt,
    decode_message,
    encode_message,
    failed_shard,
    item_to_task,
    task_to_item,
    task_to_json,
)
from ftask.core.model import Attempt, Failure, Lease, Message, Outcome, Status
from tests.support.builders import TASK_ID, a_running_task, a_task
from tests.support.clock import EPOCH

FULL = a_task(
    status=Status.FAILED,
    attempts=2,
    epoch=3,
    payload_hash="ab" * 16,
    lease=Lease("owner", EPOCH),
    next_attempt_at=EPOCH + timedelta(milliseconds=1),
    last_error=Failure("ValueError", "no ünïcode 🎉"),
    history=(Attempt(1, 3, EPOCH, EPOCH, Outcome.FAILED, Failure("E", "m"), 2.5), Attempt(2, 3, EPOCH)),
    result='{"a":1}',
    completed_at=EPOCH,
    failed_at=EPOCH,
    cancelled_at=EPOCH,
    cancel_requested_at=EPOCH,
)


AT = {"S": "2026-01-01T12:00:00.000Z"}
# As it lies in the tables of the first release: whatever comes later has to read it.
FULL_OF_THE_FIRST_RELEASE = {
    "taskId": {"S": TASK_ID},
    "status": {"S": "FAILED"},
    "payload": {"S": '{"message":"SUCCESS"}'},
    "payloadHash": {"S": "ab" * 16},
    "createdAt": AT,
    "updatedAt": AT,
    "expiresAt": {"N": "1769860800"},
    "attempts": {"N": "2"},
    "maxAttempts": {"N": "2"},
    "epoch": {"N": "3"},
    "leaseOwner": {"S": "owner"},
    "leaseUntil": AT,
    "nextAttemptAt": {"S": "2026-01-01T12:00:00.001Z"},
    "lastError": {"M": {"type": {"S": "ValueError"}, "message": {"S": "no ünïcode 🎉"}}},
    "history": {
        "L": [
            {
                "M": {
                    "number": {"N": "1"},
                    "epoch": {"N": "3"},
                    "startedAt": AT,
                    "endedAt": AT,
                    "outcome": {"S": "FAILED"},
                    "error": {"M": {"type": {"S": "E"}, "message": {"S": "m"}}},
                    "backoffSeconds": {"N": "2.5"},
                }
            },
            {"M": {"epoch": {"N": "3"}, "startedAt": AT}},
        ]
    },
    "result": {"S": '{"a":1}'},
    "completedAt": AT,
    "failedAt": AT,
    "cancelledAt": AT,
    "cancelRequestedAt": AT,
    "failedShard": {"S": "FAILED#6"},
}


def test_an_item_of_the_first_release_is_read_and_a_field_of_a_later_one_is_ignored() -> None:
    assert item_to_task(FULL_OF_THE_FIRST_RELEASE) == FULL
    assert item_to_task({**FULL_OF_THE_FIRST_RELEASE, "priority": {"N": "3"}}) == FULL


@pytest.mark.parametrize("task", [a_task(), a_running_task(2), FULL])
def test_a_task_survives_its_item(task: object) -> None:
    assert item_to_task(task_to_item(task)) == task  # type: ignore[arg-type]


def test_only_a_failed_task_is_in_the_index() -> None:
    assert "failedShard" in task_to_item(FULL)
    for status in set(Status) - {Status.FAILED}:
        assert "failedShard" not in task_to_item(a_task(status=status))


def test_failed_tasks_spread_over_all_shards() -> None:
    shards = {failed_shard(f"{number:032x}") for number in range(200)}
    assert len(shards) == FAILED_SHARDS


def test_the_item_of_a_small_task_costs_one_write_unit_in_every_state() -> None:
    item = task_to_item(FULL)
    assert len(json.dumps(item)) < 1024 * 1.5  # JSON with its type tags, above DynamoDB's own measure
    assert _size(item) < 1024


def test_an_attempt_without_a_number_follows_the_one_before() -> None:
    item = task_to_item(a_task())
    item["history"] = {
        "L": [
            {"M": {**begun_attempt(0, EPOCH)["M"], "number": {"N": "7"}}},
            begun_attempt(0, EPOCH),
            begun_attempt(1, EPOCH),
        ]
    }
    assert [attempt.number for attempt in item_to_task(item).history] == [7, 8, 1]


def test_a_message_survives_the_queue() -> None:
    assert decode_message(encode_message(Message(TASK_ID, 4))) == Message(TASK_ID, 4)


def test_a_message_of_this_version_is_what_earlier_releases_wrote() -> None:
    body = '{"v":1,"taskId":"0123456789abcdef0123456789abcdef","epoch":0}'
    assert encode_message(Message(TASK_ID, 0)) == body
    assert decode_message(body) == Message(TASK_ID, 0)


def test_a_field_that_a_later_release_adds_is_ignored() -> None:
    body = f'{{"v":1,"taskId":"{TASK_ID}","epoch":0,"trace":"x"}}'
    assert decode_message(body) == Message(TASK_ID, 0)


def test_a_format_of_a_later_release_is_not_guessed_at() -> None:
    with pytest.raises(UnknownVersionError):
        decode_message(f'{{"v":2,"taskId":"{TASK_ID}","epoch":0}}')


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
    public = task_to_json(FULL)
    assert public["taskId"] == TASK_ID
    assert public["payload"] == {"message": "SUCCESS"}
    assert public["retryCount"] == 1
    assert public["lastError"] == {"type": "ValueError", "message": "no ünïcode 🎉"}
    assert public["lastProcessedAt"] == "2026-01-01T12:00:00.000Z"
    assert public["history"][0]["backoffSeconds"] == 2.5
    assert public["result"] == {"a": 1}


def test_the_public_form_says_nothing_of_leases_that_are_over() -> None:
    assert "leaseUntil" in task_to_json(a_running_task())
    assert "leaseUntil" not in task_to_json(FULL)
    assert not any("lease" in name.lower() and name != "leaseUntil" for name in task_to_json(FULL))


def test_a_result_of_null_is_a_result() -> None:
    assert task_to_json(a_task(status=Status.COMPLETED, result="null"))["result"] is None


def _size(value: dict[str, dict[str, object]]) -> int:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html"""
    total = 0
    for name, typed in value.items():
        total += len(name.encode()) + _value_size(typed)
    return total


def _value_size(typed: dict[str, object]) -> int:
    (kind, value), *_ = typed.items()
    if kind == "M":
        assert isinstance(value, dict)
        return 3 + len(value) + _size(value)
    if kind == "L":
        assert isinstance(value, list)
        return 3 + len(value) + sum(_value_size(child) for child in value)
    return len(str(value).encode()) + (1 if kind == "N" else 0)
