"""Task <-> DynamoDB item, task -> public JSON, message <-> queue body.

Formats carry a version and only ever gain fields: a reader ignores what it does not know.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeGuard

from ftask.core.model import Attempt, Failure, Lease, Message, Outcome, Status, Task
from ftask.core.timestamps import from_iso, to_iso

MESSAGE_VERSION = 1
TASK_ID = re.compile(r"[0-9a-f]{32}")
# The index of failed tasks is spread over this many partitions, so that a flood of failures is not
# held back by the 1,000 writes a second of one.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html
FAILED_SHARDS = 8

Item = dict[str, Any]


class MalformedMessageError(Exception):
    """The body is not a task message; its text says why."""


class UnknownVersionError(Exception):
    """The message was written by a newer ftask in a format that this one must not guess at."""


def encode_message(message: Message) -> str:
    return json.dumps({"v": MESSAGE_VERSION, "taskId": message.task_id, "epoch": message.epoch}, separators=(",", ":"))


def decode_message(body: str) -> Message:
    """The message in `body`.

    Raises:
        MalformedMessageError: it can never be understood.
        UnknownVersionError: a newer worker will understand it.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedMessageError("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise MalformedMessageError("the body is not a JSON object")
    version = fields.get("v")
    if not _is_count(version) or version == 0:
        raise MalformedMessageError("the field v (format version) is missing or not a positive integer")
    if version > MESSAGE_VERSION:
        raise UnknownVersionError(f"message format {version}; this worker knows {MESSAGE_VERSION}")
    task_id, epoch = fields.get("taskId"), fields.get("epoch")
    if not isinstance(task_id, str) or not TASK_ID.fullmatch(task_id):
        raise MalformedMessageError("the field taskId is missing or not a task id")
    if not _is_count(epoch):
        raise MalformedMessageError("the field epoch is missing or not a count")
    return Message(task_id, epoch)


def failed_shard(task_id: str) -> str:
    """The index partition of a failed task."""
    return shard_name(zlib.crc32(task_id.encode()) % FAILED_SHARDS)


def shard_name(number: int) -> str:
    """The index partition of this number, from 0 to below `FAILED_SHARDS`."""
    return f"FAILED#{number}"


def task_to_item(task: Task) -> Item:
    """The DynamoDB item, without the attributes that are not set: an absent one costs nothing."""
    values: dict[str, Item | None] = {
        "taskId": _text(task.task_id),
        "status": _text(task.status),
        "payload": _text(task.payload),
        "payloadHash": _text(task.payload_hash),
        "createdAt": _instant(task.created_at),
        "updatedAt": _instant(task.updated_at),
        "expiresAt": {"N": str(int(task.expires_at.timestamp()))},
        "attempts": _number(task.attempts),
        "maxAttempts": _number(task.max_attempts),
        "epoch": _number(task.epoch),
        "leaseOwner": _text(task.lease.owner) if task.lease else None,
        "leaseUntil": _instant(task.lease.until) if task.lease else None,
        "nextAttemptAt": _instant(task.next_attempt_at),
        "lastError": _failure(task.last_error),
        "history": {"L": [attempt_to_item(attempt) for attempt in task.history]},
        "result": _text(task.result),
        "completedAt": _instant(task.completed_at),
        "failedAt": _instant(task.failed_at),
        "cancelledAt": _instant(task.cancelled_at),
        "cancelRequestedAt": _instant(task.cancel_requested_at),
        "failedShard": _text(failed_shard(task.task_id)) if task.status is Status.FAILED else None,
    }
    return _present(values)


def begun_attempt(epoch: int, started_at: datetime) -> Item:
    """The entry that a begin appends to the history.

    Its number is the count that the same write increments, which no expression can also put into an
    entry; a reader gets it from the entry before.
    """
    return {"M": {"epoch": _number(epoch), "startedAt": {"S": to_iso(started_at)}}}


def attempt_to_item(attempt: Attempt) -> Item:
    values: dict[str, Item | None] = {
        "number": _number(attempt.number),
        "epoch": _number(attempt.epoch),
        "startedAt": _instant(attempt.started_at),
        "endedAt": _instant(attempt.ended_at),
        "outcome": _text(attempt.outcome),
        "error": _failure(attempt.error),
        "backoffSeconds": None if attempt.backoff_seconds is None else {"N": str(attempt.backoff_seconds)},
    }
    return {"M": _present(values)}


def item_to_task(item: Mapping[str, Any]) -> Task:
    """The inverse of :func:`task_to_item`."""
    lease_owner = _get(item, "leaseOwner")
    return Task(
        task_id=item["taskId"]["S"],
        status=Status(item["status"]["S"]),
        payload=item["payload"]["S"],
        payload_hash=_get(item, "payloadHash"),
        created_at=from_iso(item["createdAt"]["S"]),
        updated_at=from_iso(item["updatedAt"]["S"]),
        expires_at=datetime.fromtimestamp(int(item["expiresAt"]["N"]), UTC),
        attempts=int(item["attempts"]["N"]),
        max_attempts=int(item["maxAttempts"]["N"]),
        epoch=int(item["epoch"]["N"]),
        lease=None if lease_owner is None else Lease(lease_owner, from_iso(item["leaseUntil"]["S"])),
        next_attempt_at=_get_instant(item, "nextAttemptAt"),
        last_error=_get_failure(item, "lastError"),
        history=_history(item["history"]["L"]),
        result=_get(item, "result"),
        completed_at=_get_instant(item, "completedAt"),
        failed_at=_get_instant(item, "failedAt"),
        cancelled_at=_get_instant(item, "cancelledAt"),
        cancel_requested_at=_get_instant(item, "cancelRequestedAt"),
    )


def task_to_json(task: Task) -> dict[str, Any]:
    """The public form of a task, camelCase, as the API answers it. Absent fields are left out."""
    last_attempt = task.history[-1] if task.history else None
    values: dict[str, Any] = {
        "taskId": task.task_id,
        "status": str(task.status),
        "payload": json.loads(task.payload),
        "createdAt": to_iso(task.created_at),
        "updatedAt": to_iso(task.updated_at),
        "attempts": task.attempts,
        "maxAttempts": task.max_attempts,
        "retryCount": max(0, task.attempts - 1),
        "epoch": task.epoch,
        "leaseUntil": _iso(task.lease.until if task.lease and task.status is Status.PROCESSING else None),
        "nextAttemptAt": _iso(task.next_attempt_at),
        "lastProcessedAt": _iso((last_attempt.ended_at or last_attempt.started_at) if last_attempt else None),
        "lastError": _public_failure(task.last_error),
        "completedAt": _iso(task.completed_at),
        "failedAt": _iso(task.failed_at),
        "cancelRequestedAt": _iso(task.cancel_requested_at),
        "cancelledAt": _iso(task.cancelled_at),
        "history": [_public_attempt(attempt) for attempt in task.history],
    }
    public = _present(values)
    if task.result is not None:
        public["result"] = json.loads(task.result)
    return public


def _history(entries: Sequence[Mapping[str, Any]]) -> tuple[Attempt, ...]:
    attempts: list[Attempt] = []
    for entry in entries:
        attempts.append(_attempt(entry["M"], attempts[-1] if attempts else None))
    return tuple(attempts)


def _attempt(entry: Mapping[str, Any], previous: Attempt | None) -> Attempt:
    outcome = _get(entry, "outcome")
    epoch = int(entry["epoch"]["N"])
    follows = previous.number + 1 if previous is not None and previous.epoch == epoch else 1
    return Attempt(
        number=int(entry["number"]["N"]) if "number" in entry else follows,
        epoch=epoch,
        started_at=from_iso(entry["startedAt"]["S"]),
        ended_at=_get_instant(entry, "endedAt"),
        outcome=None if outcome is None else Outcome(outcome),
        error=_get_failure(entry, "error"),
        backoff_seconds=float(entry["backoffSeconds"]["N"]) if "backoffSeconds" in entry else None,
    )


def _public_attempt(attempt: Attempt) -> dict[str, Any]:
    return _present(
        {
            "attempt": attempt.number,
            "epoch": attempt.epoch,
            "startedAt": to_iso(attempt.started_at),
            "endedAt": _iso(attempt.ended_at),
            "outcome": None if attempt.outcome is None else str(attempt.outcome),
            "error": _public_failure(attempt.error),
            "backoffSeconds": attempt.backoff_seconds,
        }
    )


def _public_failure(failure: Failure | None) -> dict[str, str] | None:
    return None if failure is None else {"type": failure.type, "message": failure.message}


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _text(value: str | None) -> Item | None:
    return None if value is None else {"S": str(value)}


def _number(value: int) -> Item:
    return {"N": str(value)}


def _instant(value: datetime | None) -> Item | None:
    return None if value is None else {"S": to_iso(value)}


def _iso(value: datetime | None) -> str | None:
    return None if value is None else to_iso(value)


def _failure(value: Failure | None) -> Item | None:
    return None if value is None else {"M": {"type": {"S": value.type}, "message": {"S": value.message}}}


def _get(item: Mapping[str, Any], name: str) -> str | None:
    return item[name]["S"] if name in item else None


def _get_instant(item: Mapping[str, Any], name: str) -> datetime | None:
    return from_iso(item[name]["S"]) if name in item else None


def _get_failure(item: Mapping[str, Any], name: str) -> Failure | None:
    return Failure(item[name]["M"]["type"]["S"], item[name]["M"]["message"]["S"]) if name in item else None
