"""The failed tasks of a stage: read and counted in the sparse index of them, or looked up by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ftask.aws.concurrency import merge
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.client.errors import UnknownTaskError
from ftask.core.errors import FtaskError
from ftask.core.failed_index import INDEX, FailedIndex, FailedTask
from ftask.core.item import FAILED_SHARDS, shard_name
from ftask.core.model import Status, Task
from ftask.selection.filter import EVERYTHING, TaskFilter

# As many as a view that is read again and again can have.
MAX_FAILED_TASKS = 2000


def failures(stage: Stage, task_filter: TaskFilter = EVERYTHING, *, also_removed: bool = False) -> Iterator[FailedTask]:
    """Yield the selected failed tasks, newest first; of those selected by id `also_removed` ones, if it is set.

    Tasks selected by id are looked up in the table; every other selection reads the index page by page, which may be a
    moment behind the table.
    """
    with translate_aws_errors():
        if task_filter.task_ids:
            tasks = stage.store.get_many(sorted(task_filter.task_ids))
            listed = [task for task in tasks if task.status is Status.FAILED and (also_removed or task.removal is None)]
            failed = [FailedTask.of(task) for task in listed]
            candidates: Iterator[FailedTask] = iter(sorted(failed, key=lambda task: task.failed_at, reverse=True))
        else:
            index = FailedIndex(lambda: stage.target.dynamodb, stage.outputs.table)
            candidates = index.newest(task_filter.since, task_filter.until)
        yield from filter(task_filter.matches_failed, candidates)


@dataclass(frozen=True, slots=True)
class FailedTasks:
    """The newest failed tasks, newest first; `complete` says whether these are all."""

    tasks: tuple[FailedTask, ...]
    complete: bool


NO_FAILED_TASKS = FailedTasks((), complete=True)


def newest_failed(stage: Stage, task_type: str | None = None) -> FailedTasks:
    """Return the newest failed tasks, of one type or of all, without those that were discarded or drained."""
    tasks = tuple(islice(failures(stage, TaskFilter(type=task_type)), MAX_FAILED_TASKS + 1))
    return FailedTasks(tasks[:MAX_FAILED_TASKS], complete=len(tasks) <= MAX_FAILED_TASKS)


def count_failed(stage: Stage, task_type: str | None = None) -> int:
    """Return how many tasks, of one type or of all, are FAILED and neither discarded nor drained.

    It takes one request for each shard of the index, and one more for each further megabyte of its entries.
    """
    arguments: dict[str, Any] = {
        "TableName": stage.outputs.table,
        "IndexName": INDEX,
        "Select": "COUNT",
        "KeyConditionExpression": "failedShard = :shard",
    }
    values: dict[str, Any] = {}
    if task_type is not None:
        arguments["FilterExpression"] = "lastError.taskType = :type"
        values[":type"] = {"S": task_type}
    paginator = stage.target.dynamodb.get_paginator("query")

    def count_shard(number: int) -> Iterator[int]:
        shard = {":shard": {"S": shard_name(number)}}
        for page in paginator.paginate(ExpressionAttributeValues=values | shard, **arguments):
            yield page["Count"]

    with translate_aws_errors():
        return sum(merge([count_shard(number) for number in range(FAILED_SHARDS)]))


def tasks_by_id(stage: Stage, task_ids: Iterable[str]) -> dict[str, Task]:
    """Return the tasks with these ids that exist, with their payloads."""
    with translate_aws_errors():
        store = stage.store
        return {task.task_id: task for task in store.with_payloads(store.get_many(list(task_ids)))}


def require_failed(stage: Stage, task_ids: Iterable[str], verb: str) -> None:
    """Raise unless each of these tasks is FAILED; `verb` is what the command does with them, like `redriven`.

    Raises:
        UnknownTaskError: a task does not exist.
        FtaskError: a task is in another state.
    """
    for task_id in task_ids:
        task = stage.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        if task.status is not Status.FAILED:
            raise FtaskError(f"Task {task_id} is {task.status}; only FAILED tasks are {verb}.")
