"""How many tasks of a stage are FAILED, counted in the table's sparse index of them: no other task is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import merge
from ftask.aws.stage import Stage
from ftask.core.failed_index import INDEX
from ftask.core.item import FAILED_SHARDS, shard_name
from ftask.core.model import EXPERIMENT_TYPE


def count_failed(stage: Stage, task_type: str | None = None) -> int:
    """Return how many tasks, of one type or of all, are FAILED and neither discarded nor drained.

    It takes one request for each shard of the index, and one more for each further megabyte of its entries.

    Raises:
        FtaskError: AWS refused a request or cannot be reached.
    """
    arguments: dict[str, Any] = {
        "TableName": stage.outputs.table,
        "IndexName": INDEX,
        "Select": "COUNT",
        "KeyConditionExpression": "failedShard = :shard",
    }
    values: dict[str, Any] = {}
    if task_type is not None:
        # A task that failed under 0.1 has no type.
        untyped = "attribute_not_exists(lastError.taskType) OR " if task_type == EXPERIMENT_TYPE else ""
        arguments["FilterExpression"] = f"{untyped}lastError.taskType = :type"
        values[":type"] = {"S": task_type}
    paginator = stage.target.dynamodb.get_paginator("query")

    def count_shard(number: int) -> Iterator[int]:
        shard = {":shard": {"S": shard_name(number)}}
        for page in paginator.paginate(ExpressionAttributeValues=values | shard, **arguments):
            yield page["Count"]

    with translate_aws_errors():
        return sum(merge([count_shard(number) for number in range(FAILED_SHARDS)]))
