"""The table of tasks in DynamoDB: each condition of the protocol, once.

Each write is one conditional call. The SDK sends a call again when its answer was lost; the second
one is then refused by the first, so every refusal is checked for our own mark before it is believed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from ftask.core.item import (
    EXPIRY,
    UPDATED,
    begun_attempt,
    changed_names,
    is_task,
    item_to_task,
    task_to_item,
    write_removal,
)
from ftask.core.model import Message, Removal, Status, Task
from ftask.core.payload_item import payload_item_id, payload_of_item, payload_to_item
from ftask.core.ports import Settlement
from ftask.core.timestamps import to_iso

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient
else:
    DynamoDBClient = Any

# The most keys that one BatchGetItem takes.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
BATCH_GET_KEYS = 100
# Payloads that are held at once: of 256 KB each, 10 MB.
_PAYLOADS_AT_ONCE = 40

_WAITING = {f":{status.lower()}": {"S": str(status)} for status in Status if status.waiting}
_IS_WAITING = f"#status IN ({', '.join(_WAITING)})"


class DynamoStore:
    """:class:`ftask.core.ports.Store` over one DynamoDB table."""

    def __init__(
        self, client: Callable[[], DynamoDBClient], table: str, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def put_payload(self, task: Task) -> None:
        # Submit: before the task's item. The id stands for the text, so that an item which exists has this payload; it
        # may belong to a task that is kept longer.
        try:
            self._client().put_item(
                TableName=self._table,
                Item=payload_to_item(task),
                ConditionExpression="attribute_not_exists(taskId) OR expiresAt < :until",
                ExpressionAttributeValues={":until": _payload_expiry(task)},
            )
        except ClientError as error:
            _require_refusal(error)

    def keep(self, after: Task) -> None:
        # Redrive: the payload first, so that the task's item never promises more than there is. A refusal says that
        # the task has moved on, or that its payload is kept longer.
        if after.payload_item is not None:
            try:
                self._client().update_item(
                    TableName=self._table,
                    Key=_key(payload_item_id(after)),
                    ConditionExpression="attribute_exists(taskId) AND expiresAt < :until",
                    UpdateExpression="SET expiresAt = :until",
                    ExpressionAttributeValues={":until": _payload_expiry(after)},
                )
            except ClientError as error:
                _require_refusal(error)
        item: Any = task_to_item(after)
        names = [name for name in ("expiresAt", "payloadItem") if name in item]
        try:
            self._client().update_item(
                TableName=self._table,
                Key=_key(after.task_id),
                ConditionExpression="#status = :failed AND epoch = :epoch",
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in names),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":failed": {"S": Status.FAILED},
                    ":epoch": {"N": str(after.epoch)},
                    **{f":{name}": item[name] for name in names},
                },
            )
        except ClientError as error:
            _require_refusal(error)

    def put(self, task: Task) -> Task | None:
        # Submit: an id is given once. A refused put returns the task that has the id: after a re-sent
        # put, that is its own.
        try:
            self._client().put_item(
                TableName=self._table,
                Item=task_to_item(task),
                ConditionExpression="attribute_not_exists(taskId)",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            return _refused_by(error)
        return None

    def get(self, task_id: str) -> Task | None:
        item = self._read(task_id)
        return None if item is None or not is_task(item) else item_to_task(item)

    def get_many(self, task_ids: Sequence[str], *, consistent: bool = False) -> Iterator[Task]:
        for item in self._read_many(task_ids, consistent=consistent):
            if is_task(item):
                yield item_to_task(item)

    def with_payload(self, task: Task) -> Task:
        if task.payload is not None:
            return task
        item = self._read(payload_item_id(task))
        return task if item is None else replace(task, payload=payload_of_item(item))

    def with_payloads(self, tasks: Iterable[Task]) -> Iterator[Task]:
        remaining = iter(tasks)
        while chunk := list(islice(remaining, _PAYLOADS_AT_ONCE)):
            ids = [payload_item_id(task) for task in chunk if task.payload is None]
            payloads = {item["taskId"]["S"]: payload_of_item(item) for item in self._read_many(ids, consistent=True)}
            for task in chunk:
                is_read = task.payload is not None
                yield task if is_read else replace(task, payload=payloads.get(payload_item_id(task)))

    def _read(self, key: str) -> Mapping[str, Any] | None:
        answer = self._client().get_item(TableName=self._table, Key=_key(key), ConsistentRead=True)
        return answer.get("Item")

    def _read_many(self, ids: Sequence[str], *, consistent: bool) -> Iterator[Mapping[str, Any]]:
        remaining = iter(dict.fromkeys(ids))
        while chunk := list(islice(remaining, BATCH_GET_KEYS)):
            keys: Any = [_key(key) for key in chunk]
            pause_seconds = 0.05
            while keys:
                answer = self._client().batch_get_item(
                    RequestItems={self._table: {"Keys": keys, "ConsistentRead": consistent}}
                )
                yield from answer["Responses"].get(self._table, [])
                unprocessed = answer.get("UnprocessedKeys", {})
                keys = unprocessed[self._table]["Keys"] if self._table in unprocessed else []
                if keys:
                    self._sleep(pause_seconds)
                    pause_seconds = min(2 * pause_seconds, 2.0)

    def begin(
        self, message: Message, owner: str, until: datetime, now: datetime, beside: int = 0
    ) -> tuple[bool, Task | None]:
        # Begin: an attempt is taken only in the message's own epoch, only of a task that waits, and only after the
        # backoff. A task that waits has attempts left.
        in_epoch = "epoch = :epoch"
        backoff_over = "(attribute_not_exists(nextAttemptAt) OR nextAttemptAt <= :now)"
        try:
            answer = self._client().update_item(
                TableName=self._table,
                Key=_key(message.task_id),
                ConditionExpression=f"{in_epoch} AND {backoff_over} AND {_IS_WAITING}",
                UpdateExpression=(
                    "SET #status = :processing, attempts = attempts + :one, leaseOwner = :owner,"
                    " leaseUntil = :until, updatedAt = :now, history = list_append(history, :attempt)"
                    " REMOVE nextAttemptAt"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":epoch": {"N": str(message.epoch)},
                    ":now": {"S": to_iso(now)},
                    ":until": {"S": to_iso(until)},
                    ":owner": {"S": owner},
                    ":one": {"N": "1"},
                    ":attempt": {"L": [begun_attempt(message.epoch, now, beside)]},
                    **_WAITING,
                    ":processing": {"S": Status.PROCESSING},
                },
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            # A message is acknowledged if its task does not exist, so its absence is read, not concluded from an answer
            # that may only leave the old item out.
            return False, _refused_by(error) or self.get(message.task_id)
        return True, item_to_task(answer["Attributes"])

    def take_over(self, after: Task, dead_owner: str) -> bool:
        # Take over: only from the worker whose lease was seen to be expired, and nothing begins once an operator has
        # cancelled the task. The owner is unique to one begin, so it stands for the epoch and the attempt too.
        condition = "#status = :processing AND leaseOwner = :dead AND attribute_not_exists(#cancelRequestedAt)"
        try:
            self._write(after, condition, {":processing": {"S": Status.PROCESSING}, ":dead": {"S": dead_owner}})
        except ClientError as error:
            _refused_by(error)
            return False
        return True

    def settle(self, after: Task, owner: str, before: Task | None = None) -> Settlement:
        # Settle: only the holder of the lease says how its attempt ended.
        condition = "#status = :processing AND leaseOwner = :owner"
        if after.status.waiting:
            condition += " AND attribute_not_exists(#cancelRequestedAt)"
        values = {":processing": {"S": Status.PROCESSING}, ":owner": {"S": owner}}
        # While the lease lasts, nobody else writes the item, except that an operator may ask for its cancellation.
        names = UPDATED if before is None else changed_names(before, after) | {"cancelRequestedAt"}
        try:
            self._write(after, condition, values, names)
        except ClientError as error:
            current = _refused_by(error)
            if current is None or current.lease is None or current.lease.owner != owner:
                return Settlement.LEASE_LOST
            if current.status is after.status:
                # Our own re-sent write: the lease's owner is still named, and the status is what we wrote.
                return Settlement.DONE
            return Settlement.CANCEL_REQUESTED if current.status is Status.PROCESSING else Settlement.LEASE_LOST
        return Settlement.DONE

    def cancel(self, after: Task) -> Task | None:
        # Cancel: only a task that waits, in the epoch and attempt in which it was read, so that no history is lost.
        try:
            self._write(
                after,
                f"{_IS_WAITING} AND #epoch = :epoch AND #attempts = :attempts",
                {
                    **_WAITING,
                    ":epoch": {"N": str(after.epoch)},
                    ":attempts": {"N": str(after.attempts)},
                },
            )
        except ClientError as error:
            return _refused_by(error)
        return None

    def request_cancel(self, task_id: str, epoch: int, now: datetime) -> bool:
        # A running attempt goes on: its settlement, or the begin that finds it dead, sees this mark. A delayed copy of
        # the request must not cancel what a redrive has begun since, so the epoch is part of the condition.
        try:
            self._client().update_item(
                TableName=self._table,
                Key=_key(task_id),
                ConditionExpression="#status = :processing AND epoch = :epoch",
                UpdateExpression="SET cancelRequestedAt = :now",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":processing": {"S": Status.PROCESSING},
                    ":epoch": {"N": str(epoch)},
                    ":now": {"S": to_iso(now)},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            _refused_by(error)
            return False
        return True

    def reopen(self, after: Task) -> bool:
        # Redrive: only a failed task, and only once for each of its epochs.
        try:
            self._write(
                after,
                "#status = :failed AND #epoch = :previous",
                {
                    ":failed": {"S": Status.FAILED},
                    ":previous": {"N": str(after.epoch - 1)},
                },
            )
        except ClientError as error:
            _refused_by(error)
            return False
        return True

    def remove(self, task_id: str, epoch: int, removal: Removal) -> bool:
        # Discard and drain: only in the epoch that the operator saw, so that a delayed copy of the request does not
        # hide a later failure. Without its key the item leaves the sparse index.
        try:
            self._client().update_item(
                TableName=self._table,
                Key=_key(task_id),
                ConditionExpression="#status = :failed AND epoch = :epoch AND attribute_not_exists(removal)",
                UpdateExpression="SET removal = :removal REMOVE failedShard",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":failed": {"S": Status.FAILED},
                    ":epoch": {"N": str(epoch)},
                    ":removal": write_removal(removal),
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            current = _refused_by(error)
            # Removed before: by our own re-sent write, or by another operator.
            return current is not None and current.epoch == epoch and current.removal is not None
        return True

    def prolong(self, after: Task) -> bool:
        # Submit again: only of a task that no worker has begun since it was read. A put, because the API's role may not
        # update: whoever could update could begin and settle.
        try:
            self._client().put_item(
                TableName=self._table,
                Item=task_to_item(after),
                ConditionExpression=(
                    "#status = :pending AND attempts = :none AND epoch = :epoch AND updatedAt = :read"
                ),
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={
                    ":pending": {"S": Status.PENDING},
                    ":none": {"N": "0"},
                    ":epoch": {"N": str(after.epoch)},
                    ":read": {"S": to_iso(after.updated_at)},
                },
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            _refused_by(error)
            return False
        return True

    def discard(self, task_id: str) -> Task | None:
        # Compensation of a submit whose send failed: only of a task that no worker has begun.
        try:
            self._client().delete_item(
                TableName=self._table,
                Key=_key(task_id),
                ConditionExpression="#status = :pending AND attempts = :none",
                ExpressionAttributeNames={"#status": "status"},
                ExpressionAttributeValues={":pending": {"S": Status.PENDING}, ":none": {"N": "0"}},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            # No item: a re-sent delete is refused by its own first one.
            return _refused_by(error)
        return None

    def _write(self, after: Task, condition: str, values: dict[str, Any], names: Collection[str] = UPDATED) -> None:
        item = task_to_item(after)
        present = [name for name in UPDATED if name in names and name in item]
        absent = [name for name in UPDATED if name in names and name not in item]
        self._client().update_item(
            TableName=self._table,
            Key=_key(after.task_id),
            ConditionExpression=condition,
            UpdateExpression=(
                "SET "
                + ", ".join(f"#{name} = :new_{name}" for name in present)
                + (" REMOVE " + ", ".join(f"#{name}" for name in absent) if absent else "")
            ),
            ExpressionAttributeNames={f"#{name}": name for name in names},
            ExpressionAttributeValues={**values, **{f":new_{name}": item[name] for name in present}},
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )


def _key(task_id: str) -> dict[str, Any]:
    return {"taskId": {"S": task_id}}


def _refused_by(error: ClientError) -> Task | None:
    """Return the task that refused a conditional write, None if it does not exist; raise any other error again."""
    _require_refusal(error)
    item: Any = error.response.get("Item")
    return None if not item else item_to_task(item)


def _require_refusal(error: ClientError) -> None:
    """Raise the error again unless the condition of a write refused it."""
    if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
        raise error


def _payload_expiry(task: Task) -> Any:
    if task.payload_item is None:
        raise AssertionError("the payload is in the task's item")
    return EXPIRY.write(task.payload_item.expires_at)
