"""Whether an endpoint returns the old item with a refused conditional write: the protocol decides by that item.

AWS does. An emulator that ignores `ReturnValuesOnConditionCheckFailure` makes a task that exists look like one that
does not, so its message would be thrown away.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateItem.html
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.target import Target
from ftask.core.item import task_to_item
from ftask.core.model import Status, Task
from ftask.core.timestamps import now

LACKS_OLD_ITEMS = (
    "This endpoint does not return the old item of a refused conditional write"
    " (ReturnValuesOnConditionCheckFailure): tasks would be lost, or run twice."
)
USE_ANOTHER_ENDPOINT = "Use AWS, ftask's local engine, or a newer version of this emulator."


def returns_old_items(target: Target, table: str) -> bool | None:
    """Write an item, have a write to it refused, and delete it again; None if these credentials may not.

    Only for an emulator: on AWS there is nothing to find out.
    """
    moment = now()
    probe = Task(
        # What reads the table meanwhile sees a task that has ended. If this process dies, it expires.
        task_id=secrets.token_hex(16),
        status=Status.CANCELLED,
        payload="{}",
        created_at=moment,
        updated_at=moment,
        max_attempts=1,
        expires_at=moment + timedelta(hours=1),
        cancelled_at=moment,
    )
    item: Any = task_to_item(probe)
    key: Any = {"taskId": item["taskId"]}
    try:
        target.dynamodb.put_item(TableName=table, Item=item)
        try:
            return _refusal_has_item(target, table, key)
        finally:
            target.dynamodb.delete_item(TableName=table, Key=key)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "AccessDeniedException":
            raise
        return None


def _refusal_has_item(target: Target, table: str, key: Any) -> bool:
    try:
        target.dynamodb.update_item(
            TableName=table,
            Key=key,
            ConditionExpression="attribute_not_exists(taskId)",
            UpdateExpression="SET updatedAt = updatedAt",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
        return bool(error.response.get("Item"))
    return False
