"""The failed tasks of a stage, newest first, from the table's sparse index; and what they have in common."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from ftask.aws.target import explained
from ftask.core.codec import FAILED_SHARDS, shard_name
from ftask.core.failed_index import INDEX, NO_ERROR, FailedTask
from ftask.core.model import Failure, Task
from ftask.core.timestamps import to_iso

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

_BEGINNING = "0"
_END = "9"  # ISO dates of this era sort between the two

# What differs between two occurrences of one error, and what stands for it in a group's name.
_VARIABLE_PARTS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?"), "<time>"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "<text>"),
    (re.compile(r"(?<![\w<])[-+]?\d+(\.\d+)?"), "<n>"),
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which failed tasks are meant; without any field, all.

    `error` is looked for in the error's type and message, whatever the case; `since` and `until` bound the moment of
    the failure; `task_ids` names tasks.
    """

    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    task_ids: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        return self == Selection()

    def has(self, task: Task) -> bool:
        """Whether `task`, which has failed, is meant."""
        if task.failed_at is None:
            return False
        return self._has(task.task_id, task.failed_at, task.last_error or NO_ERROR)

    def _has(self, task_id: str, failed_at: datetime, error: Failure) -> bool:
        return (
            (not self.task_ids or task_id in self.task_ids)
            and (self.since is None or failed_at >= self.since)
            and (self.until is None or failed_at <= self.until)
            and (self.error is None or self.error.casefold() in f"{error.type}: {error.message}".casefold())
        )


@dataclass(frozen=True, slots=True)
class Group:
    """Failures of one kind: the same type, and the same message but for numbers, ids, times and quoted text."""

    type: str
    message: str
    count: int
    first_at: datetime
    last_at: datetime
    example: str


@dataclass(frozen=True, slots=True)
class FailedIndex:
    """Reads the index page by page; reads may be a moment behind the table."""

    client: DynamoDBClient
    table: str

    def newest(self, selection: Selection = Selection()) -> Iterator[FailedTask]:
        """The failed tasks that are meant, newest first, with a page of each shard in memory."""
        shards = [self._shard(shard_name(number), selection) for number in range(FAILED_SHARDS)]
        for task in heapq.merge(*shards, key=lambda task: task.failed_at, reverse=True):
            if selection._has(task.task_id, task.failed_at, task.error):
                yield task

    def _shard(self, shard: str, selection: Selection) -> Iterator[FailedTask]:
        pages = self.client.get_paginator("query").paginate(
            TableName=self.table,
            IndexName=INDEX,
            KeyConditionExpression="failedShard = :shard AND failedAt BETWEEN :since AND :until",
            ExpressionAttributeValues={
                ":shard": {"S": shard},
                ":since": {"S": to_iso(selection.since) if selection.since else _BEGINNING},
                ":until": {"S": to_iso(selection.until) if selection.until else _END},
            },
            ScanIndexForward=False,
        )
        with explained():
            for page in pages:
                yield from map(FailedTask.of_item, page["Items"])


def grouped(failures: Iterable[FailedTask]) -> list[Group]:
    """The failures by kind, the largest group first. Given newest first, a group's example is its newest."""
    groups: dict[tuple[str, str], Group] = {}
    for failure in failures:
        kind = (failure.error.type, normalised(failure.error.message))
        known = groups.get(kind)
        if known is None:
            groups[kind] = Group(*kind, 1, failure.failed_at, failure.failed_at, failure.task_id)
        else:
            groups[kind] = replace(
                known,
                count=known.count + 1,
                first_at=min(known.first_at, failure.failed_at),
                last_at=max(known.last_at, failure.failed_at),
            )
    return sorted(groups.values(), key=lambda group: (-group.count, group.type, group.message))


def normalised(message: str) -> str:
    """The message with its variable parts replaced: what two occurrences of one error share."""
    for pattern, placeholder in _VARIABLE_PARTS:
        message = pattern.sub(placeholder, message)
    return message
