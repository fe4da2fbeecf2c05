"""A parallel scan of the whole table, for what has no index, and the newest tasks that it finds."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ftask.aws.concurrency import merge
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.item import IS_TASK, item_to_task, item_values
from ftask.core.model import Task
from ftask.core.timestamps import to_iso
from ftask.selection.filter import EVERYTHING, UNFINISHED, TaskFilter

SEGMENTS = 4
# Up to this many tasks are read by their ids after a scan for the ids alone; of more, the scan reads whole items.
MOST_BY_ID = 500
# What takes the place of tasks that the filter no longer selects when they are read.
_SPARE = 50


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a scan: how many items were read for it, and those that the condition selects."""

    read: int
    items: tuple[Mapping[str, Any], ...]


def scan(
    stage: Stage,
    condition: str = "",
    names: Mapping[str, str] | None = None,
    *,
    projection: Sequence[str] = (),
    **values: Any,
) -> Generator[Page, None, None]:
    """Yield the tasks' items for which the filter expression `condition` holds, page by page, over several connections.

    Items that hold a large payload are left out. `names` and `values` are the expression's attribute names and values.
    With a `projection`, an item has these attributes only.
    """
    arguments: dict[str, Any] = {"TableName": stage.outputs.table, "TotalSegments": SEGMENTS}
    if projection:
        projected = {f"#projected{number}": name for number, name in enumerate(projection)}
        arguments["ProjectionExpression"] = ", ".join(projected)
        names = {**(names or {}), **projected}
    arguments["FilterExpression"] = f"{IS_TASK} AND {condition}" if condition else IS_TASK
    if names:
        arguments["ExpressionAttributeNames"] = dict(names)
    if values:
        arguments["ExpressionAttributeValues"] = {f":{name}": {"S": value} for name, value in values.items()}

    paginator = stage.target.dynamodb.get_paginator("scan")

    def read_segment(number: int) -> Iterator[Page]:
        for page in paginator.paginate(Segment=number, **arguments):
            yield Page(page["ScannedCount"], tuple(page["Items"]))

    with translate_aws_errors():
        yield from merge([read_segment(number) for number in range(SEGMENTS)])


def list_newest(
    stage: Stage,
    task_filter: TaskFilter,
    limit: int,
    follow: Callable[[Iterator[Page]], Iterable[Page]] = iter,
) -> list[Task]:
    """Return the `limit` newest tasks that the filter selects, or all with 0, as they are now.

    `follow` gets the pages of the scan, and yields them again: to count them, or to show how far it is.
    """
    if not 0 < limit <= MOST_BY_ID:
        return newest(follow(scan_tasks(stage, task_filter)), limit)
    keys = (
        (item["createdAt"]["S"], item["taskId"]["S"])
        for page in follow(scan_tasks(stage, task_filter, projection=("taskId", "createdAt")))
        for item in page.items
    )
    ids = [task_id for _, task_id in heapq.nlargest(limit + _SPARE, keys)]
    selected: list[Task] = []
    for some in (ids[:limit], ids[limit:]):
        if len(selected) < limit:
            # A read that is not consistent could be older than the scan.
            with translate_aws_errors():
                tasks = {task.task_id: task for task in stage.store.get_many(some, consistent=True)}
            selected += [tasks[task_id] for task_id in some if task_id in tasks and task_filter.matches(tasks[task_id])]
    return selected[:limit]


def newest(pages: Iterable[Page], limit: int) -> list[Task]:
    """Return the `limit` newest tasks of pages of whole items, or all with 0; no others are kept in memory."""
    items = (item for page in pages for item in page.items)
    # Times of one format are in the order of their text.
    latest = heapq.nlargest(limit, items, key=_created_at) if limit else sorted(items, key=_created_at, reverse=True)
    return [item_to_task(item) for item in latest]


def _created_at(item: Mapping[str, Any]) -> str:
    text: str = item["createdAt"]["S"]
    return text


def scan_tasks(stage: Stage, task_filter: TaskFilter, *, projection: Sequence[str] = ()) -> Iterator[Page]:
    """Scan for the tasks that the filter selects; see :func:`scan`. `since` and `until` are times of creation."""
    conditions = []
    names: dict[str, str] = {}
    values: dict[str, str] = {}
    if task_filter.statuses:
        states = {status.lower(): str(status) for status in task_filter.statuses}
        conditions.append(f"#status IN ({', '.join(f':{name}' for name in states)})")
        names["#status"] = "status"
        values |= states
    if task_filter.type is not None:
        conditions.append("#type = :type")
        names["#type"] = "type"
        values["type"] = task_filter.type
    for number, (tag, value) in enumerate(task_filter.tags.items()):
        conditions.append(f"tags.#tag{number} = :tag{number}")
        names[f"#tag{number}"] = tag
        values[f"tag{number}"] = value
    for name, comparison, at in (("since", ">=", task_filter.since), ("until", "<=", task_filter.until)):
        if at is not None:
            conditions.append(f"createdAt {comparison} :{name}")
            values[name] = to_iso(at)
    by_error = not (task_filter.error is None and task_filter.kind is None)
    if by_error:
        # DynamoDB cannot compare texts in upper and lower case.
        conditions.append("attribute_exists(lastError)")
        projection = (*projection, "lastError") if projection else ()
    for page in scan(stage, " AND ".join(conditions), names, projection=projection, **values):
        items = (item for item in page.items if task_filter.matches_error(item_values(item).get("last_error")))
        yield replace(page, items=tuple(items)) if by_error else page


def unfinished(stage: Stage, task_filter: TaskFilter = EVERYTHING) -> Iterator[Task]:
    """Yield the selected tasks that have not ended; this reads the whole table."""
    statuses = tuple(status for status in task_filter.statuses or UNFINISHED if status in UNFINISHED)
    for page in scan_tasks(stage, replace(task_filter, statuses=statuses)):
        yield from map(item_to_task, page.items)
