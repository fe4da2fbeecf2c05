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
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from ftask.core.errors import TemporarilyUnavailableError
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
from ftask.core.model import Message, Removal, Status, Task, Unique
from ftask.core.payload_item import payload_item_id, payload_of_item, payload_to_item
from ftask.core.ports import Settlement
from ftask.core.timestamps import to_iso

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

# The most keys that one BatchGetItem takes.
# https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html
BATCH_GET_KEYS = 100
# Another submission may have the same lock in its transaction.
_UNIQUE_TRIES = 20
_CONFLICT_SECONDS = 0.05
# Payloads that are held at once: of 256 KB each, 10 MB.
_PAYLOADS_AT_ONCE = 40

_WAITING = {f":{status.lower()}": {"S": str(status)} for status in Status if status.waiting}
# What says when a task runs, and until when it is kept for that.
_WHEN = ("nextAttemptAt", "scheduledAt", "expiresAt", "payloadItem", "updatedAt")
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
        self._try(
            "put_item",
            "attribute_not_exists(taskId) OR expiresAt < :until",
            {":until": _payload_expiry(task)},
            Item=payload_to_item(task),
            ReturnValuesOnConditionCheckFailure="NONE",
        )

    def keep(self, after: Task) -> None:
        # Redrive: the payload first, so that the task's item never promises more than there is. A refusal says that
        # the task has moved on, or that its payload is kept longer.
        self._keep_payload(after)
        item = task_to_item(after)
        names = [name for name in ("expiresAt", "payloadItem") if name in item]
        self._update(
            after.task_id,
            "#status = :failed AND epoch = :epoch",
            "SET " + ", ".join(f"{name} = :{name}" for name in names),
            {":failed": _text(Status.FAILED), ":epoch": _number(after.epoch)}
            | {f":{name}": item[name] for name in names},
        )

    def _keep_payload(self, after: Task) -> None:
        if after.payload_item is not None:
            self._update(
                payload_item_id(after),
                "attribute_exists(taskId) AND expiresAt < :until",
                "SET expiresAt = :until",
                {":until": _payload_expiry(after)},
                ReturnValuesOnConditionCheckFailure="NONE",
            )

    def put(self, task: Task) -> Task | None:
        # Submit: an id is given once. A refused put returns the task that has the id: after a re-sent
        # put, that is its own.
        if task.unique is not None:
            return self._put_unique(task, task.unique)
        return self._try("put_item", "attribute_not_exists(taskId)", Item=task_to_item(task)).task

    def _put_unique(self, task: Task, unique: Unique) -> Task | None:
        """Write a task and its lock at once; return None, or the task that has the id or holds the lock.

        The task and its lock exist together or not at all, so a lock never names a task that was not written. A lock is
        free once its time is over or its holder has ended or expired: that is read from the holder itself, and the lock
        is taken over only from this holder.
        """
        ended = ""
        for _ in range(_UNIQUE_TRIES):
            lock: Any = {"taskId": _text(unique.lock_id), "holder": _text(task.task_id)}
            lock["expiresAt"] = EXPIRY.write(unique.expires_at)
            if unique.until is not None:
                lock["until"] = _text(to_iso(unique.until))
            puts: list[Any] = [
                {"Item": task_to_item(task), "ConditionExpression": "attribute_not_exists(taskId)"},
                {
                    "Item": lock,
                    "ConditionExpression": "attribute_not_exists(taskId) OR holder = :ended",
                    "ExpressionAttributeValues": {":ended": _text(ended)},
                },
            ]
            every = {"TableName": self._table, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
            try:
                self._client().transact_write_items(TransactItems=[{"Put": put | every} for put in puts])
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") != "TransactionCanceledException":
                    raise
                reasons: Any = error.response["CancellationReasons"]
                if "Item" in reasons[0]:
                    return item_to_task(reasons[0]["Item"])  # its own id: a repetition, or this write sent again
                if "Item" not in reasons[1]:
                    self._sleep(_CONFLICT_SECONDS)  # another transaction has one of the two items
                    continue
                held = reasons[1]["Item"]
                ended = held["holder"]["S"]
                holder = self.get(ended)
                if holder is not None and not _is_free(held, holder, task.created_at):
                    return holder
            else:
                return None
        raise TemporarilyUnavailableError("Too many tasks want the lock of this unique one at once.", "Send it again.")

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
        begun, task = self._update(
            message.task_id,
            f"{in_epoch} AND {backoff_over} AND {_IS_WAITING}",
            "SET #status = :processing, attempts = attempts + :one, leaseOwner = :owner, leaseUntil = :until,"
            " updatedAt = :now, history = list_append(history, :attempt) REMOVE nextAttemptAt",
            {
                ":epoch": _number(message.epoch),
                ":now": _text(to_iso(now)),
                ":until": _text(to_iso(until)),
                ":owner": _text(owner),
                ":one": _number(1),
                ":attempt": {"L": [begun_attempt(message.epoch, now, beside)]},
                **_WAITING,
                ":processing": _text(Status.PROCESSING),
            },
            ReturnValues="ALL_NEW",
        )
        # A message is acknowledged if its task does not exist, so its absence is read, not concluded from an answer
        # that may only leave the old item out.
        return begun, task or self.get(message.task_id)

    def take_over(self, after: Task, dead_owner: str) -> bool:
        # Take over: only from the worker whose lease was seen to be expired, and nothing begins once an operator has
        # cancelled the task. The owner is unique to one begin, so it stands for the epoch and the attempt too.
        condition = "#status = :processing AND leaseOwner = :dead AND attribute_not_exists(#cancelRequestedAt)"
        return self._replace(
            after, condition, {":processing": _text(Status.PROCESSING), ":dead": _text(dead_owner)}
        ).done

    def settle(self, after: Task, owner: str, before: Task | None = None) -> Settlement:
        # Settle: only the holder of the lease says how its attempt ended.
        condition = "#status = :processing AND leaseOwner = :owner"
        if after.status.waiting:
            condition += " AND attribute_not_exists(#cancelRequestedAt)"
        values = {":processing": _text(Status.PROCESSING), ":owner": _text(owner)}
        # While the lease lasts, nobody else writes the item, except that an operator may ask for its cancellation.
        names = UPDATED if before is None else changed_names(before, after) | {"cancelRequestedAt"}
        done, current = self._replace(after, condition, values, names)
        if done:
            return Settlement.DONE
        if current is None or current.lease is None or current.lease.owner != owner:
            return Settlement.LEASE_LOST
        if current.status is after.status:
            # Our own re-sent write: the lease's owner is still named, and the status is what we wrote.
            return Settlement.DONE
        return Settlement.CANCEL_REQUESTED if current.status is Status.PROCESSING else Settlement.LEASE_LOST

    def cancel(self, after: Task) -> Task | None:
        return self._change_waiting(after, UPDATED)

    def reschedule(self, after: Task) -> Task | None:
        self._keep_payload(after)
        return self._change_waiting(after, _WHEN)

    def _change_waiting(self, after: Task, names: Collection[str]) -> Task | None:
        # Cancel and reschedule: only a task that waits, in the epoch and attempt in which it was read, so that no
        # history is lost.
        condition = f"{_IS_WAITING} AND #epoch = :epoch AND #attempts = :attempts"
        values = _WAITING | {":epoch": _number(after.epoch), ":attempts": _number(after.attempts)}
        return self._replace(after, condition, values, names).task

    def request_cancel(self, task_id: str, epoch: int, now: datetime) -> bool:
        # A running attempt goes on: its settlement, or the begin that finds it dead, sees this mark. A delayed copy of
        # the request must not cancel what a redrive has begun since, so the epoch is part of the condition.
        return self._update(
            task_id,
            "#status = :processing AND epoch = :epoch",
            "SET cancelRequestedAt = :now",
            {":processing": _text(Status.PROCESSING), ":epoch": _number(epoch), ":now": _text(to_iso(now))},
        ).done

    def reopen(self, after: Task) -> bool:
        # Redrive: only a failed task, and only once for each of its epochs.
        values = {":failed": _text(Status.FAILED), ":previous": _number(after.epoch - 1)}
        return self._replace(after, "#status = :failed AND #epoch = :previous", values).done

    def remove(self, task_id: str, epoch: int, removal: Removal) -> bool:
        # Discard and drain: only in the epoch that the operator saw, so that a delayed copy of the request does not
        # hide a later failure. Without its key the item leaves the sparse index.
        done, current = self._update(
            task_id,
            "#status = :failed AND epoch = :epoch AND attribute_not_exists(removal)",
            "SET removal = :removal REMOVE failedShard",
            {":failed": _text(Status.FAILED), ":epoch": _number(epoch), ":removal": write_removal(removal)},
        )
        # Removed before: by our own re-sent write, or by another operator.
        return done or (current is not None and current.epoch == epoch and current.removal is not None)

    def prolong(self, after: Task) -> bool:
        # Submit again: only of a task that no worker has begun since it was read. A put, because the API's role may not
        # update: whoever could update could begin and settle.
        return self._try(
            "put_item",
            "#status = :pending AND attempts = :none AND epoch = :epoch AND updatedAt = :read",
            {
                ":pending": _text(Status.PENDING),
                ":none": _number(0),
                ":epoch": _number(after.epoch),
                ":read": _text(to_iso(after.updated_at)),
            },
            {"#status": "status"},
            Item=task_to_item(after),
        ).done

    def withdraw(self, task_id: str) -> Task | None:
        # Compensation of a submit whose send failed: only of a task that no worker has begun. A refusal without an
        # item is that of a re-sent delete by its own first one.
        return self._try(
            "delete_item",
            "#status = :pending AND attempts = :none",
            {":pending": _text(Status.PENDING), ":none": _number(0)},
            {"#status": "status"},
            Key=_key(task_id),
        ).task

    def _replace(self, after: Task, condition: str, values: dict[str, Any], names: Collection[str] = UPDATED) -> _Write:
        """Write the attributes `names` of `after`."""
        item = task_to_item(after)
        present = [name for name in UPDATED if name in names and name in item]
        absent = [name for name in UPDATED if name in names and name not in item]
        return self._try(
            "update_item",
            condition,
            values | {f":new_{name}": item[name] for name in present},
            {f"#{name}": name for name in UPDATED if name in names or f"#{name}" in condition},
            Key=_key(after.task_id),
            UpdateExpression=(
                "SET "
                + ", ".join(f"#{name} = :new_{name}" for name in present)
                + (" REMOVE " + ", ".join(f"#{name}" for name in absent) if absent else "")
            ),
        )

    def _update(self, key: str, condition: str, expression: str, values: dict[str, Any], **options: str) -> _Write:
        names = {"#status": "status"} if "#status" in condition else {}
        return self._try("update_item", condition, values, names, Key=_key(key), UpdateExpression=expression, **options)

    def _try(
        self,
        operation: str,
        condition: str,
        values: dict[str, Any] | None = None,
        names: dict[str, str] | None = None,
        **request: Any,
    ) -> _Write:
        """Make a write that its condition may refuse; raise any other error."""
        # DynamoDB refuses empty ones.
        if values:
            request["ExpressionAttributeValues"] = values
        if names:
            request["ExpressionAttributeNames"] = names
        write = getattr(self._client(), operation)
        done, item = write_if(write, condition, TableName=self._table, **request)
        return _Write(done, item_to_task(item) if item else None)


def write_if(write: Callable[..., Any], condition: str, **request: Any) -> tuple[bool, Mapping[str, Any]]:
    """Make a write of one item if the condition holds; return whether, and an item, empty without one.

    That is the item as ReturnValues asks for it; of a refused write, the item that was found.

    Raises:
        ClientError: the write failed for another reason.
    """
    request = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} | request
    try:
        answer = write(ConditionExpression=condition, **request)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") != "ConditionalCheckFailedException":
            raise
        refused: Any = error.response
        return False, refused.get("Item") or {}
    return True, answer.get("Attributes") or {}


class _Write(NamedTuple):
    """Whether a conditional write was done, and the task: the new one where that was asked for, or what refused it."""

    done: bool
    task: Task | None


def _is_free(lock: Mapping[str, Any], holder: Task, now: datetime) -> bool:
    """Return whether the lock of this unique task may be taken over: its time is over, or without one its task."""
    return lock["until"]["S"] <= to_iso(now) if "until" in lock else holder.status.terminal


def _key(task_id: str) -> dict[str, Any]:
    return {"taskId": _text(task_id)}


def _text(text: str) -> dict[str, str]:
    return {"S": text}


def _number(number: int) -> dict[str, str]:
    return {"N": str(number)}


def _payload_expiry(task: Task) -> Any:
    if task.payload_item is None:
        raise AssertionError("the payload is in the task's item")
    return EXPIRY.write(task.payload_item.expires_at)
