"""A task as the item of the table: the one list of its attributes, from which writing, reading and updating derive.

Items only ever gain attributes. An attribute that is missing leaves its field at the field's default, and one that
this version does not know is ignored: so the items of earlier and of later versions are read.

To add a field: the field in :class:`ftask.core.model.Task`, with a default, and its line in `ATTRIBUTES`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any, NamedTuple

from ftask.core.model import (
    Attempt,
    Failure,
    Lease,
    Outcome,
    PayloadItem,
    Removal,
    RemovalKind,
    Status,
    Task,
)
from ftask.core.timestamps import from_iso, to_iso

# The index of failed tasks is spread over this many partitions, so that a flood of failures is not
# held back by the 1,000 writes a second of one.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
FAILED_SHARDS = 8

# A filter expression for items of tasks: what no other item of the table has.
IS_TASK = "attribute_exists(maxAttempts)"

Item = dict[str, Any]


class Kind(NamedTuple):
    """How a value is written as a typed value of DynamoDB, and read from it."""

    write: Callable[[Any], Item]
    read: Callable[[Mapping[str, Any]], Any]


class Attribute(NamedTuple):
    """One attribute of an item.

    `value` gets what it holds from the object; the attribute is absent where that is None. `field` is the field that
    is read from it, None where it is not read alone. A `fixed` attribute is written at submission and never again.
    """

    name: str
    value: Callable[[Any], Any]
    kind: Kind
    field: str | None = None
    fixed: bool = False


def failed_shard(task_id: str) -> str:
    """Return the index partition of a failed task."""
    return shard_name(zlib.crc32(task_id.encode()) % FAILED_SHARDS)


def shard_name(number: int) -> str:
    """Return the index partition of this number, from 0 to below `FAILED_SHARDS`."""
    return f"FAILED#{number}"


def task_to_item(task: Task) -> Item:
    """Return the DynamoDB item, without the attributes that are not set: an absent one costs nothing."""
    return _written(task, ATTRIBUTES)


def changed_names(before: Task, after: Task) -> set[str]:
    """Return which of the attributes in `UPDATED` two states of a task do not have in common."""
    return {
        attribute.name
        for attribute in ATTRIBUTES
        if not attribute.fixed and attribute.value(before) != attribute.value(after)
    }


def item_to_task(item: Mapping[str, Any]) -> Task:
    """Return the task of an item: the inverse of :func:`task_to_item`.

    Raises:
        TypeError: an attribute is missing whose field has no default.
    """
    values = item_values(item)
    if "leaseOwner" in item:
        values["lease"] = Lease(_TEXT.read(item["leaseOwner"]), _INSTANT.read(item["leaseUntil"]))
    if "payload_item" in values:
        values["payload"] = None
    return Task(**values)


def is_task(item: Mapping[str, Any]) -> bool:
    """Return whether this item of the table is a task's: large payloads are items too."""
    return "maxAttempts" in item


def item_values(item: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a whole or projected item, by the name of the task's field; absent ones are left out."""
    return _read(item, ATTRIBUTES)


def begun_attempt(epoch: int, started_at: datetime, beside: int) -> Item:
    """Return the entry that a begin appends to the history.

    Its number is the count that the same write increments, which no expression can also put into an
    entry; a reader gets it from the entry before.
    """
    entry = {"epoch": _COUNT.write(epoch), "startedAt": _INSTANT.write(started_at)}
    return {"M": entry | ({"beside": _COUNT.write(beside)} if beside else {})}


def write_removal(removal: Removal) -> Item:
    """Return the value of the attribute `removal`."""
    return {"M": {"kind": _TEXT.write(removal.kind), "at": _INSTANT.write(removal.at), "by": _TEXT.write(removal.by)}}


def _read_removal(typed: Mapping[str, Any]) -> Removal:
    fields = typed["M"]
    return Removal(RemovalKind(fields["kind"]["S"]), _INSTANT.read(fields["at"]), fields["by"]["S"])


def _write_payload_item(payload_item: PayloadItem) -> Item:
    return {"M": {"digest": _TEXT.write(payload_item.digest), "expiresAt": EXPIRY.write(payload_item.expires_at)}}


def _read_payload_item(typed: Mapping[str, Any]) -> PayloadItem:
    return PayloadItem(_TEXT.read(typed["M"]["digest"]), EXPIRY.read(typed["M"]["expiresAt"]))


def _is_listed(task: Task) -> bool:
    return task.status is Status.FAILED and task.removal is None


def _written(source: object, attributes: Sequence[Attribute]) -> Item:
    values = ((attribute, attribute.value(source)) for attribute in attributes)
    return {attribute.name: attribute.kind.write(value) for attribute, value in values if value is not None}


def _read(item: Mapping[str, Any], attributes: Sequence[Attribute]) -> dict[str, Any]:
    return {
        attribute.field: attribute.kind.read(item[attribute.name])
        for attribute in attributes
        if attribute.field is not None and attribute.name in item
    }


def _write_history(history: Sequence[Attempt]) -> Item:
    return {"L": [{"M": _written(attempt, _ATTEMPT_ATTRIBUTES)} for attempt in history]}


def _read_history(typed: Mapping[str, Any]) -> tuple[Attempt, ...]:
    attempts: list[Attempt] = []
    for entry in typed["L"]:
        values = _read(entry["M"], _ATTEMPT_ATTRIBUTES)
        previous = attempts[-1] if attempts else None
        follows = 1
        if previous is not None and previous.epoch == values["epoch"]:
            follows = previous.number if previous.uncounted else previous.number + 1
        attempts.append(Attempt(**{"number": follows} | values))
    return tuple(attempts)


def _write_failure(failure: Failure) -> Item:
    return {"M": {"type": {"S": failure.type}, "message": {"S": failure.message}}}


def _read_failure(typed: Mapping[str, Any]) -> Failure:
    return Failure(typed["M"]["type"]["S"], typed["M"]["message"]["S"])


def _write_last_error(labelled: tuple[Failure, str, Mapping[str, str]]) -> Item:
    failure, task_type, tags = labelled
    labels = {"taskType": _TEXT.write(task_type)} | ({"tags": _TAGS.write(tags)} if tags else {})
    return {"M": _write_failure(failure)["M"] | labels}


def failed_task_labels(item: Mapping[str, Any]) -> tuple[str, Mapping[str, str]]:
    """Return the task type and the tags in an item of the index of failed tasks."""
    labels = item["lastError"]["M"]
    return str(_TEXT.read(labels["taskType"])), _TAGS.read(labels["tags"]) if "tags" in labels else {}


def _from(field: str, kind: Kind, name: str, *, fixed: bool = False) -> Attribute:
    """Return the attribute that holds one field and nothing else."""
    return Attribute(name, attrgetter(field), kind, field, fixed)


_TEXT = Kind(lambda text: {"S": str(text)}, lambda typed: typed["S"])
_COUNT = Kind(lambda count: {"N": str(count)}, lambda typed: int(typed["N"]))
_FLAG = Kind(lambda flag: {"BOOL": flag}, lambda typed: bool(typed["BOOL"]))
_SECONDS = Kind(lambda seconds: {"N": str(seconds)}, lambda typed: float(typed["N"]))
_INSTANT = Kind(lambda instant: {"S": to_iso(instant)}, lambda typed: from_iso(typed["S"]))
# DynamoDB's time to live wants whole seconds since 1970.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/time-to-live-ttl-before-you-start.html
EXPIRY = Kind(
    lambda instant: {"N": str(int(instant.timestamp()))}, lambda typed: datetime.fromtimestamp(int(typed["N"]), UTC)
)
_TAGS = Kind(
    lambda tags: {"M": {name: {"S": value} for name, value in tags.items()}},
    lambda typed: {name: value["S"] for name, value in typed["M"].items()},
)
_STATUS = Kind(_TEXT.write, lambda typed: Status(typed["S"]))
_OUTCOME = Kind(_TEXT.write, lambda typed: Outcome(typed["S"]))
_FAILURE = Kind(_write_failure, _read_failure)
# The index of failed tasks projects this attribute, and DynamoDB cannot add another one to a projection: so the type
# of the task and its tags travel in it.
_LAST_ERROR = Kind(_write_last_error, _read_failure)
_HISTORY = Kind(_write_history, _read_history)
_PAYLOAD_ITEM = Kind(_write_payload_item, _read_payload_item)
_REMOVAL = Kind(write_removal, _read_removal)

ATTRIBUTES = (
    _from("task_id", _TEXT, "taskId", fixed=True),
    _from("status", _STATUS, "status"),
    _from("type", _TEXT, "type", fixed=True),
    Attribute(
        "payload", lambda task: task.payload if task.payload_item is None else None, _TEXT, "payload", fixed=True
    ),
    _from("payload_item", _PAYLOAD_ITEM, "payloadItem"),
    _from("payload_hash", _TEXT, "payloadHash", fixed=True),
    _from("group", _TEXT, "group", fixed=True),
    Attribute("tags", lambda task: task.tags or None, _TAGS, "tags", fixed=True),
    _from("created_at", _INSTANT, "createdAt", fixed=True),
    _from("updated_at", _INSTANT, "updatedAt"),
    _from("expires_at", EXPIRY, "expiresAt"),
    _from("attempts", _COUNT, "attempts"),
    _from("max_attempts", _COUNT, "maxAttempts", fixed=True),
    _from("epoch", _COUNT, "epoch"),
    # One field in two attributes: conditions compare each of them alone.
    Attribute("leaseOwner", lambda task: task.lease and task.lease.owner, _TEXT),
    Attribute("leaseUntil", lambda task: task.lease and task.lease.until, _INSTANT),
    _from("next_attempt_at", _INSTANT, "nextAttemptAt"),
    Attribute(
        "lastError",
        lambda task: task.last_error and (task.last_error, task.type, task.tags),
        _LAST_ERROR,
        "last_error",
    ),
    _from("history", _HISTORY, "history"),
    _from("result", _TEXT, "result"),
    _from("completed_at", _INSTANT, "completedAt"),
    _from("failed_at", _INSTANT, "failedAt"),
    # The key of the sparse index: only a failed task has it, until an operator discards or drains the task.
    Attribute("failedShard", lambda task: failed_shard(task.task_id) if _is_listed(task) else None, _TEXT),
    _from("cancelled_at", _INSTANT, "cancelledAt"),
    _from("cancel_requested_at", _INSTANT, "cancelRequestedAt"),
    _from("unknown_since", _INSTANT, "typeUnknownSince"),
    _from("scheduled_at", _INSTANT, "scheduledAt"),
    _from("removal", _REMOVAL, "removal"),
)
# What every outcome and every redrive writes.
UPDATED = tuple(attribute.name for attribute in ATTRIBUTES if not attribute.fixed)

_ATTEMPT_ATTRIBUTES = (
    _from("number", _COUNT, "number"),
    _from("epoch", _COUNT, "epoch"),
    _from("started_at", _INSTANT, "startedAt"),
    _from("ended_at", _INSTANT, "endedAt"),
    _from("outcome", _OUTCOME, "outcome"),
    _from("error", _FAILURE, "error"),
    _from("backoff_seconds", _SECONDS, "backoffSeconds"),
    Attribute("beside", lambda attempt: attempt.beside or None, _COUNT, "beside"),
    Attribute("uncounted", lambda attempt: attempt.uncounted or None, _FLAG, "uncounted"),
)
