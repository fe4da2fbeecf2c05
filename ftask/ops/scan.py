"""A parallel scan of the whole table, for what has no index."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import merge
from ftask.aws.stage import Stage
from ftask.core.item import item_to_task
from ftask.core.model import EXPERIMENT_TYPE, Status, Task
from ftask.core.timestamps import to_iso

SEGMENTS = 4


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a scan: how many items were read for it, and those that the condition selects."""

    read: int
    items: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks of the table are selected; without any field, all.

    `statuses` are the states that a task may be in. `since` is the earliest time of creation, `error` a text in the
    last error's type or message (case matters).
    """

    statuses: tuple[Status, ...] = ()
    type: str | None = None
    since: datetime | None = None
    error: str | None = None


def scan(
    stage: Stage,
    condition: str = "",
    names: Mapping[str, str] | None = None,
    *,
    projection: str | None = None,
    **values: Any,
) -> Iterator[Page]:
    """Yield the items for which the filter expression `condition` holds, page by page, over several connections.

    `names` and `values` are the expression's attribute names and values. With a `projection`, an item has that
    attribute only.
    """
    arguments: dict[str, Any] = {"TableName": stage.outputs.table, "TotalSegments": SEGMENTS}
    if projection:
        arguments["ProjectionExpression"] = "#projected"
        names = {**(names or {}), "#projected": projection}
    if condition:
        arguments["FilterExpression"] = condition
    if names:
        arguments["ExpressionAttributeNames"] = dict(names)
    if values:
        arguments["ExpressionAttributeValues"] = {f":{name}": {"S": value} for name, value in values.items()}

    def read_segment(number: int) -> Iterator[Page]:
        for page in stage.target.dynamodb.get_paginator("scan").paginate(Segment=number, **arguments):
            yield Page(page["ScannedCount"], tuple(page["Items"]))

    with translate_aws_errors():
        yield from merge([read_segment(number) for number in range(SEGMENTS)])


def newest(pages: Iterator[Page], limit: int) -> list[Task]:
    """Return the `limit` newest tasks of the pages, or all with 0; no more than those are kept in memory."""
    tasks = (item_to_task(item) for page in pages for item in page.items)
    if limit:
        return heapq.nlargest(limit, tasks, key=lambda task: task.created_at)
    return sorted(tasks, key=lambda task: task.created_at, reverse=True)


def scan_tasks(stage: Stage, task_filter: TaskFilter, *, projection: str | None = None) -> Iterator[Page]:
    """Scan for the tasks that the filter selects; see :func:`scan`."""
    conditions = []
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    if task_filter.statuses:
        states = {status.lower(): str(status) for status in task_filter.statuses}
        conditions.append(f"#status IN ({', '.join(f':{name}' for name in states)})")
        names["#status"] = "status"
        values |= states
    if task_filter.type is not None:
        # An item of 0.1 has no type.
        untyped = "attribute_not_exists(#type) OR " if task_filter.type == EXPERIMENT_TYPE else ""
        conditions.append(f"({untyped}#type = :type)")
        names["#type"] = "type"
        values["type"] = task_filter.type
    if task_filter.since is not None:
        conditions.append("createdAt >= :since")
        values["since"] = to_iso(task_filter.since)
    if task_filter.error is not None:
        conditions.append("(contains(lastError.#type, :error) OR contains(lastError.message, :error))")
        names["#type"] = "type"
        values["error"] = task_filter.error
    return scan(stage, " AND ".join(conditions), names, projection=projection, **values)
