"""What leaves ftask: a task as public JSON, a message as the body in the queue.

Both only ever gain fields, and a message carries its version: a reader ignores the fields that it does not know.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeGuard

from ftask.core.model import SEPARATE, Attempt, Failure, Message, Removal, Status, Task
from ftask.core.timestamps import to_iso

# The latest that this release can read.
MESSAGE_VERSION = SEPARATE
TASK_ID = re.compile(r"[0-9a-f]{32}")


class MalformedMessageError(Exception):
    """The body is not a task message; its text says why."""


class UnknownVersionError(Exception):
    """The message has a format of a later ftask, which this one must not guess at."""


def encode_message(message: Message) -> str:
    """Return the body that carries `message` in the queue."""
    return json.dumps({"v": message.version, "taskId": message.task_id, "epoch": message.epoch}, separators=(",", ":"))


def decode_message(body: str) -> Message:
    """Return the message in `body`; see :func:`body_fields` and :func:`message_from` for the errors."""
    return message_from(body_fields(body))


def body_fields(body: str) -> dict[str, Any]:
    """Return the fields of a message of any kind.

    Raises:
        MalformedMessageError: the body is not a JSON object.
    """
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        raise MalformedMessageError("the body is not JSON") from None
    if not isinstance(fields, dict):
        raise MalformedMessageError("the body is not a JSON object")
    return fields


def message_from(fields: Mapping[str, Any]) -> Message:
    """Return the message of a task that has these fields.

    Raises:
        MalformedMessageError: no version of ftask can read it.
        UnknownVersionError: a worker of a later version can read it.
    """
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
    return Message(task_id, epoch, version)


def message_or_none(body: str) -> Message | None:
    """Return the message in `body`; None if it is malformed or of a later version."""
    try:
        return decode_message(body)
    except (MalformedMessageError, UnknownVersionError):
        return None


def task_to_json(task: Task) -> dict[str, Any]:
    """Return the public form of a task, camelCase, as the API answers it, without the fields that are not set."""
    last_attempt = task.history[-1] if task.history else None
    values: dict[str, Any] = {
        "taskId": task.task_id,
        "type": task.type,
        "status": str(task.status),
        "payload": None if task.payload is None else json.loads(task.payload),
        "group": task.group,
        "tags": dict(task.tags) or None,
        "createdAt": to_iso(task.created_at),
        "scheduledAt": _iso(task.scheduled_at),
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
        "removal": _public_removal(task.removal),
        "history": [_public_attempt(attempt) for attempt in task.history],
    }
    public = _present(values)
    if task.result is not None:
        public["result"] = json.loads(task.result)
    return public


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
            "counted": False if attempt.uncounted else None,
        }
    )


def _public_failure(failure: Failure | None) -> dict[str, str] | None:
    return None if failure is None else {"type": failure.type, "message": failure.message}


def _public_removal(removal: Removal | None) -> dict[str, str] | None:
    # Without the operator's name: every client of the API can read this.
    return None if removal is None else {"kind": str(removal.kind), "at": to_iso(removal.at)}


def _present(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _iso(value: datetime | None) -> str | None:
    return None if value is None else to_iso(value)
