"""The failed tasks as the table's sparse index has them, and the API's pages of them."""

from __future__ import annotations

import base64
import heapq
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ftask.core.codec import FAILED_SHARDS, TASK_ID, shard_name
from ftask.core.errors import CursorError
from ftask.core.model import Failure, Status, Task
from ftask.core.timestamps import from_iso, to_iso

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
else:
    DynamoDBClient = Any

INDEX = "failed"
NO_ERROR = Failure("Unknown", "no error on record")


@dataclass(frozen=True, slots=True)
class FailedTask:
    """A failed task as the index knows it."""

    task_id: str
    epoch: int
    attempts: int
    created_at: datetime
    failed_at: datetime
    error: Failure

    @classmethod
    def of(cls, task: Task) -> FailedTask:
        """What the index knows of `task`, which has failed."""
        error = task.last_error or NO_ERROR
        failed_at = task.failed_at or task.updated_at
        return cls(task.task_id, task.epoch, task.attempts, task.created_at, failed_at, error)

    @classmethod
    def of_item(cls, item: dict[str, Any]) -> FailedTask:
        error = item.get("lastError", {}).get("M")
        return cls(
            task_id=item["taskId"]["S"],
            epoch=int(item["epoch"]["N"]),
            attempts=int(item["attempts"]["N"]),
            created_at=from_iso(item["createdAt"]["S"]),
            failed_at=from_iso(item["failedAt"]["S"]),
            error=Failure(error["type"]["S"], error["message"]["S"]) if error else NO_ERROR,
        )

    @property
    def text(self) -> str:
        return f"{self.error.type}: {self.error.message}"

    def json(self) -> dict[str, Any]:
        """The public form."""
        return {
            "taskId": self.task_id,
            "status": str(Status.FAILED),
            "epoch": self.epoch,
            "attempts": self.attempts,
            "createdAt": to_iso(self.created_at),
            "failedAt": to_iso(self.failed_at),
            "lastError": {"type": self.error.type, "message": self.error.message},
        }


@dataclass(frozen=True, slots=True)
class FailedPages:
    """Pages of failed tasks, newest first. A cursor remembers how far each of the index's partitions has been read."""

    client: Callable[[], DynamoDBClient]
    table: str

    def page(self, limit: int, cursor: str | None) -> tuple[list[FailedTask], str | None]:
        """Up to `limit` tasks, and the cursor of the page after, if there may be one.

        Raises:
            CursorError: the cursor is none that was given out.
        """
        read = _decode(cursor) if cursor else {}
        shards = [self._shard(number, read.get(number), limit) for number in range(FAILED_SHARDS)]
        merged = heapq.merge(
            *([(number, task) for task in tasks] for number, tasks in enumerate(shards)),
            key=lambda entry: entry[1].failed_at,
            reverse=True,
        )
        found: list[FailedTask] = []
        for number, task in merged:
            if len(found) == limit:
                return found, _encode(read)
            found.append(task)
            read[number] = (to_iso(task.failed_at), task.task_id)
        # No shard had more than was asked of it, but one of them may have had just that.
        return found, _encode(read) if any(len(tasks) == limit for tasks in shards) else None

    def _shard(self, number: int, after: tuple[str, str] | None, limit: int) -> list[FailedTask]:
        shard = {"S": shard_name(number)}
        start: dict[str, Any] = {}
        if after is not None:
            key = {"failedShard": shard, "failedAt": {"S": after[0]}, "taskId": {"S": after[1]}}
            start["ExclusiveStartKey"] = key
        answer = self.client().query(
            TableName=self.table,
            IndexName=INDEX,
            KeyConditionExpression="failedShard = :shard",
            ExpressionAttributeValues={":shard": shard},
            ScanIndexForward=False,
            Limit=limit,
            **start,
        )
        return [FailedTask.of_item(item) for item in answer["Items"]]


def _encode(read: dict[int, tuple[str, str]]) -> str:
    return base64.urlsafe_b64encode(json.dumps(read, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str) -> dict[int, tuple[str, str]]:
    try:
        fields = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        read = {int(number): (to_iso(from_iso(at)), task_id) for number, (at, task_id) in fields.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise CursorError from None
    if not all(0 <= number < FAILED_SHARDS and TASK_ID.fullmatch(task_id) for number, (_, task_id) in read.items()):
        raise CursorError
    return read
