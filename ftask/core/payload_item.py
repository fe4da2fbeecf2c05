"""Large payloads: separate items in the table of tasks.

DynamoDB bills each write by the size of the whole item, so a payload inside the task's item is paid for at submission,
at begin and at completion. A separate item is paid for once. It is written before the task's item, and it expires
after it: a task that can run has its payload.

Its id has the digest of the payload's text: a request that repeats an idempotency key with another payload writes
another item, and nothing ever changes the text in an item.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ftask.core.expiry import payload_expiry
from ftask.core.item import EXPIRY
from ftask.core.model import PayloadItem, Task

# A write unit covers 1 KB. The rest of a task's item takes up to 490 bytes when the first attempt succeeds, so with a
# longer payload each of the three writes takes two units or more.
MAX_INLINE_BYTES = 512
# What a payload's item has besides the payload: its id, the names of its attributes, its expiry.
OVERHEAD_BYTES = 93


def payload_item_of(text: str, now: datetime, retention: timedelta) -> PayloadItem | None:
    """Return the item for the payload `text` of a task that is submitted now; None if it stays in the task's item."""
    content = text.encode()
    if len(content) <= MAX_INLINE_BYTES:
        return None
    return PayloadItem(hashlib.sha256(content).hexdigest()[:32], payload_expiry(now, retention))


def payload_item_id(task: Task) -> str:
    """Return the key of the payload's item. No task has such an id.

    Raises:
        AssertionError: the payload has no separate item.
    """
    if task.payload_item is None:
        raise AssertionError("the payload is in the task's item")
    return f"{task.task_id}#{task.payload_item.digest}"


def payload_to_item(task: Task) -> dict[str, Any]:
    """Return the item that holds the payload of `task`, which has been read.

    Raises:
        AssertionError: the task has no such payload.
    """
    if task.payload_item is None or task.payload is None:
        raise AssertionError("the task has no payload for a separate item")
    return {
        "taskId": {"S": payload_item_id(task)},
        "payload": {"S": task.payload},
        "expiresAt": EXPIRY.write(task.payload_item.expires_at),
    }


def payload_of_item(item: Mapping[str, Any]) -> str:
    """Return the payload in a separate item."""
    return str(item["payload"]["S"])
