"""The task types that a stage has, and what a deployment changes about them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import DeployedStack
from ftask.aws.target import Target
from ftask.core.manifest import TaskType, parse_manifest
from ftask.core.model import Status
from ftask.deploy.function_code import MANIFEST

# Of a large table, so much is read to count unfinished tasks: 50 MB.
_MAX_PAGES = 50
_ENDED = (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


@dataclass(frozen=True, slots=True)
class Count:
    """A number of tasks; `is_all` is False where a part of the table was not read."""

    number: int
    is_all: bool = True


@dataclass(frozen=True, slots=True)
class TypeChanges:
    """Names of the types that a deployment adds, removes and changes; with each removed one its unfinished tasks."""

    added: tuple[str, ...] = ()
    removed: Mapping[str, Count] = field(default_factory=dict)
    changed: tuple[str, ...] = ()


def deployed_types(stack: DeployedStack) -> tuple[TaskType, ...] | None:
    """Return the user's task types that the stack has; None if that cannot be known, because its archive is gone."""
    with translate_aws_errors():
        try:
            answer = stack.target.s3.get_object(Bucket=stack.parameters["CodeBucket"], Key=stack.parameters["CodeKey"])
            archive = answer["Body"].read()
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") != 404:
                raise
            return None
    with zipfile.ZipFile(io.BytesIO(archive)) as files:
        return parse_manifest(files.read(MANIFEST)).types if MANIFEST in files.namelist() else ()


def compare(stack: DeployedStack, before: Iterable[TaskType], after: Iterable[TaskType]) -> TypeChanges:
    """Return what changes between the types that the stack has and those that it gets."""
    old, new = ({task_type.name: replace(task_type, doc="") for task_type in types} for types in (before, after))
    removed = [name for name in old if name not in new]
    return TypeChanges(
        tuple(name for name in new if name not in old),
        unfinished(stack.target, stack.outputs.table, removed) if removed else {},
        tuple(name for name in new if name in old and new[name] != old[name]),
    )


def unfinished(target: Target, table: str, types: Iterable[str], max_pages: int = _MAX_PAGES) -> dict[str, Count]:
    """Return how many tasks of each of these types have not ended."""
    numbers = dict.fromkeys(types, 0)
    # Payload items have no status.
    request: dict[str, Any] = {
        "TableName": table,
        "ProjectionExpression": "#type",
        "FilterExpression": "attribute_exists(#status) AND NOT #status IN (:0, :1, :2)",
        "ExpressionAttributeNames": {"#type": "type", "#status": "status"},
        "ExpressionAttributeValues": {f":{index}": {"S": status} for index, status in enumerate(_ENDED)},
    }
    is_all = True
    with translate_aws_errors():
        for number, page in enumerate(target.dynamodb.get_paginator("scan").paginate(**request), 1):
            for item in page["Items"]:
                if (name := item.get("type", {}).get("S")) in numbers:
                    numbers[name] += 1
            is_all = "LastEvaluatedKey" not in page
            if number >= max_pages:
                break
    return {name: Count(number, is_all) for name, number in numbers.items()}
