"""The table's sparse index of failed tasks: read through, or page by page with a cursor."""

from __future__ import annotations

import base64
import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from ftask.core.codec import TASK_ID
from ftask.core.errors import CursorError
from ftask.core.item import FAILED_SHARDS, failed_task_labels, item_values, shard_name
from ftask.core.model import EXPERIMENT_TYPE, Failure, Status, Task
from ftask.core.timestamps import from_iso, to_iso

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

INDEX = "failed"
# Every ISO date of the years 1000 to 8999 sorts between the two.
_BEGINNING = "0"
_END = "9"
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
    type: str = EXPERIMENT_TYPE
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, task: Task) -> FailedTask:
        """Return the index entry of `task`, which has failed."""
        error = task.last_error or NO_ERROR
        failed_at = task.failed_at or task.updated_at
        return cls(task.task_id, task.epoch, task.attempts, task.created_at, failed_at, error, task.type, task.tags)

    @classmethod
    def of_item(cls, item: dict[str, Any]) -> FailedTask:
        """Return the index entry in `item`, as a query of the index returns it."""
        values = item_values(item)
        task_type, tags = failed_task_labels(item)
        return cls(
            task_id=values["task_id"],
            epoch=values["epoch"],
            attempts=values["attempts"],
            created_at=values["created_at"],
            failed_at=values["failed_at"],
            error=values.get("last_error", NO_ERROR),
            type=task_type,
            tags=tags,
        )

    @property
    def text(self) -> str:
        """The error as `ValueError: its message`."""
        return f"{self.error.type}: {self.error.message}"

    def json(self) -> dict[str, Any]:
        """Return the public form, as the API lists it."""
        return {
            "taskId": self.task_id,
            "type": self.type,
            **({"tags": dict(self.tags)} if self.tags else {}),
            "status": str(Status.FAILED),
            "epoch": self.epoch,
            "attempts": self.attempts,
            "createdAt": to_iso(self.created_at),
            "failedAt": to_iso(self.failed_at),
            "lastError": {"type": self.error.type, "message": self.error.message},
        }


@dataclass(frozen=True, slots=True)
class FailedIndex:
    """The sparse index of failed tasks, newest first. A read may be a moment behind the table."""

    client: Callable[[], DynamoDBClient]
    table: str

    def newest(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[FailedTask]:
        """Yield the tasks that failed between `since` and `until`, with one page of each shard in memory."""
        shards = [self._shard(number, since=since, until=until) for number in range(FAILED_SHARDS)]
        return heapq.merge(*shards, key=_failed_at, reverse=True)

    def page(self, limit: int, cursor: str | None) -> tuple[list[FailedTask], str | None]:
        """Return up to `limit` tasks, and the cursor of the next page if there may be one.

        The cursor remembers how far each shard has been read.

        Raises:
            CursorError: this API did not give out the cursor.
        """
        read = _decode(cursor) if cursor else {}
        shards = [
            list(islice(self._shard(number, after=read.get(number), limit=limit), limit))
            for number in range(FAILED_SHARDS)
        ]
        merged = heapq.merge(
            *([(number, task) for task in tasks] for number, tasks in enumerate(shards)),
            key=lambda entry: _failed_at(entry[1]),
            reverse=True,
        )
        tasks: list[FailedTask] = []
        for number, task in merged:
            if len(tasks) == limit:
                return tasks, _encode(read)
            tasks.append(task)
            read[number] = (to_iso(task.failed_at), task.task_id)
        # No shard had more than was requested from it, but one of them may have had exactly that.
        return tasks, _encode(read) if any(len(shard) == limit for shard in shards) else None

    def _shard(
        self,
        number: int,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        after: tuple[str, str] | None = None,
        limit: int | None = None,
    ) -> Iterator[FailedTask]:
        """Yield one shard's tasks, newest first, `limit` a request; `after` is the position of the last one read."""
        shard = {"S": shard_name(number)}
        request: dict[str, Any] = {
            "TableName": self.table,
            "IndexName": INDEX,
            "KeyConditionExpression": "failedShard = :shard AND failedAt BETWEEN :since AND :until",
            "ExpressionAttributeValues": {
                ":shard": shard,
                ":since": {"S": to_iso(since) if since else _BEGINNING},
                ":until": {"S": to_iso(until) if until else _END},
            },
            "ScanIndexForward": False,
        }
        if limit is not None:
            request["Limit"] = limit
        if after is not None:
            request["ExclusiveStartKey"] = {
                "failedShard": shard,
                "failedAt": {"S": after[0]},
                "taskId": {"S": after[1]},
            }
        for page in self.client().get_paginator("query").paginate(**request):
            yield from map(FailedTask.of_item, page["Items"])


def _failed_at(task: FailedTask) -> datetime:
    return task.failed_at


def _encode(read: dict[int, tuple[str, str]]) -> str:
    return base64.urlsafe_b64encode(json.dumps(read, separators=(",", ":")).encode()).decode().rstrip("=")


def _decode(cursor: str) -> dict[int, tuple[str, str]]:
    """Return what the cursor says of each shard, if `_encode` could have written it: anybody can send anything."""
    try:
        fields = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        read = {int(number): (at, task_id) for number, (at, task_id) in fields.items()}
        is_valid = all(
            0 <= number < FAILED_SHARDS and _is_failure_time(at) and TASK_ID.fullmatch(task_id)
            for number, (at, task_id) in read.items()
        )
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise CursorError from None
    if not is_valid:
        raise CursorError
    return read


def _is_failure_time(text: str) -> bool:
    # DynamoDB refuses a start key outside of the range that the query reads.
    return _BEGINNING <= text <= _END and to_iso(from_iso(text)) == text
