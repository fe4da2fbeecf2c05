"""The item of a task: no field is forgotten, and items of the first release are read."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from ftask.core.failed_index import FailedTask
from ftask.core.item import (
    ATTRIBUTES,
    FAILED_SHARDS,
    UPDATED,
    begun_attempt,
    failed_shard,
    is_task,
    item_to_task,
    task_to_item,
)
from ftask.core.model import PayloadItem, Status, Task
from ftask.core.payload_item import payload_of_item, payload_to_item
from tests.support.builders import TASK_ID, a_full_task, a_large_task, a_running_task, a_task
from tests.support.clock import EPOCH
from tests.support.resources import template

AT = {"S": "2026-01-01T12:00:00.000Z"}
# As it lies in the tables of the first release: whatever comes later has to read it.
FULL_OF_THE_FIRST_RELEASE = {
    "taskId": {"S": TASK_ID},
    "type": {"S": "experiment"},
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
    "lastError": {
        "M": {"type": {"S": "ValueError"}, "message": {"S": "no ünïcode 🎉"}, "taskType": {"S": "experiment"}}
    },
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
    "typeUnknownSince": AT,
    "failedShard": {"S": "FAILED#6"},
}


def test_an_item_of_the_first_release_is_read_and_a_field_of_a_later_one_is_ignored() -> None:
    full = a_full_task()
    history = tuple(replace(attempt, beside=0, uncounted=False) for attempt in full.history)
    # These came later.
    later: dict[str, Any] = {"removal": None, "group": None, "tags": {}, "scheduled_at": None}
    experiment = replace(full, type="experiment", history=history, **later)
    assert item_to_task(FULL_OF_THE_FIRST_RELEASE) == experiment
    assert item_to_task({**FULL_OF_THE_FIRST_RELEASE, "priority": {"N": "3"}}) == experiment


def test_items_of_a_large_payload_are_read_as_they_lie_in_tables() -> None:
    task = {name: value for name, value in task_to_item(a_task()).items() if name != "payload"}
    task["payloadItem"] = {"M": {"digest": {"S": "ab" * 16}, "expiresAt": {"N": "1771243200"}}}
    payload = {"taskId": {"S": f"{TASK_ID}#{'ab' * 16}"}, "payload": {"S": "{}"}, "expiresAt": {"N": "1771243200"}}
    read = item_to_task(task)
    assert read == a_task(payload=None, payload_item=PayloadItem("ab" * 16, EPOCH + timedelta(days=46)))
    assert payload_to_item(replace(read, payload="{}")) == payload
    assert payload_of_item(payload) == "{}"
    assert [is_task(task), is_task(payload)] == [True, False]


def test_the_index_of_failed_tasks_of_the_first_release_is_read() -> None:
    assert FailedTask.of_item(FULL_OF_THE_FIRST_RELEASE) == FailedTask.of(a_full_task(type="experiment", tags={}))


@pytest.mark.parametrize("task", [a_task(), a_running_task(2), a_full_task(), a_large_task(payload=None)])
def test_a_task_survives_its_item(task: Task) -> None:
    assert item_to_task(task_to_item(task)) == task


def test_no_field_of_a_task_or_of_an_attempt_is_left_out_of_its_item() -> None:
    task = a_full_task(payload=None, payload_item=a_large_task().payload_item)
    for record in (task, task.history[0]):
        unset = [field.name for field in fields(record) if getattr(record, field.name) == field.default]
        assert unset == [], "give the new field a value in a_full_task"
    assert item_to_task(task_to_item(task)) == task


def test_an_item_without_a_later_field_has_its_default() -> None:
    required = {"taskId", "status", "payload", "createdAt", "updatedAt", "maxAttempts", "expiresAt"}
    item = {name: value for name, value in task_to_item(a_full_task()).items() if name in required}
    assert item_to_task(item) == a_task(status=Status.FAILED)
    for name in required:
        with pytest.raises(TypeError):
            item_to_task({other: value for other, value in item.items() if other != name})


def test_only_what_is_written_at_submission_is_never_updated() -> None:
    fixed = {attribute.name for attribute in ATTRIBUTES if attribute.fixed}
    assert fixed == {
        *("taskId", "type", "payload", "payloadHash", "group", "tags", "createdAt", "maxAttempts"),
    }
    assert set(UPDATED) == {attribute.name for attribute in ATTRIBUTES} - fixed


def test_the_index_of_failed_tasks_carries_what_is_read_from_it() -> None:
    properties = template()["Resources"]["Table"]["Properties"]
    (index,) = properties["GlobalSecondaryIndexes"]
    carried = {
        *index["Projection"]["NonKeyAttributes"],
        *(key["AttributeName"] for key in [*properties["KeySchema"], *index["KeySchema"]]),
    }
    assert carried <= {attribute.name for attribute in ATTRIBUTES}
    task = a_full_task()
    item = {name: value for name, value in task_to_item(task).items() if name in carried}
    assert FailedTask.of_item(item) == FailedTask.of(task)


def test_only_a_failed_task_is_in_the_index_and_none_that_was_discarded() -> None:
    assert "failedShard" in task_to_item(a_full_task(removal=None))
    assert "failedShard" not in task_to_item(a_full_task())
    for status in set(Status) - {Status.FAILED}:
        assert "failedShard" not in task_to_item(a_task(status=status))


def test_failed_tasks_spread_over_all_shards() -> None:
    shards = {failed_shard(f"{number:032x}") for number in range(200)}
    assert len(shards) == FAILED_SHARDS


def test_the_item_of_a_small_task_costs_one_write_unit_in_every_state() -> None:
    item = task_to_item(a_full_task())
    assert _size(item) < 1024


def test_an_attempt_without_a_number_follows_the_one_before() -> None:
    item = task_to_item(a_task())
    item["history"] = {
        "L": [
            {"M": {**begun_attempt(0, EPOCH, 0)["M"], "number": {"N": "7"}}},
            begun_attempt(0, EPOCH, 0),
            begun_attempt(1, EPOCH, 0),
        ]
    }
    assert [attempt.number for attempt in item_to_task(item).history] == [7, 8, 1]


def test_the_attempt_after_an_uncounted_one_has_its_number() -> None:
    item = task_to_item(a_task())
    lost = begun_attempt(0, EPOCH, 9)["M"] | {"outcome": {"S": "LOST"}, "uncounted": {"BOOL": True}}
    item["history"] = {"L": [{"M": lost}, begun_attempt(0, EPOCH, 9), begun_attempt(0, EPOCH, 0)]}
    history = item_to_task(item).history
    assert [(attempt.number, attempt.beside) for attempt in history] == [(1, 9), (1, 9), (2, 0)]


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
