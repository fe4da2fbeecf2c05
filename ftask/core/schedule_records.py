"""The records of schedules in the stack's table: an item for each schedule, beside those of tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ftask.core.dynamodb import write_if
from ftask.core.firings import Firing, ScheduleRecord
from ftask.core.timestamps import from_iso, to_iso

if TYPE_CHECKING:
    from types_boto3_dynamodb.client import DynamoDBClient

_PREFIX = "schedule#"


class DynamoScheduleRecords:
    """:class:`ftask.core.firings.ScheduleRecords` over the stack's table, and what an operator does with them."""

    def __init__(self, client: Callable[[], DynamoDBClient], table: str) -> None:
        self._client = client
        self._table = table

    def take(self, firing: Firing) -> tuple[bool, ScheduleRecord]:
        # A firing is taken once, in the order of their times; a second write, sent again because the answer of the
        # first was lost, finds its own time.
        done, item = write_if(
            self._client().update_item,
            "attribute_not_exists(pausedAt) AND (attribute_not_exists(firingAt) OR firingAt < :at)",
            **self._update(firing.schedule, "SET firingAt = :at REMOVE skipReason", {":at": _time(firing.at)}),
        )
        return done, _record(firing.schedule, item)

    def skip(self, firing: Firing, reason: str) -> None:
        # Once: a firing is delivered again if its acknowledgement was lost.
        write_if(
            self._client().update_item,
            "firingAt = :at AND attribute_not_exists(skipReason)",
            **self._update(
                firing.schedule,
                "SET skipReason = :reason, skips = if_not_exists(skips, :none) + :one",
                {":reason": {"S": reason}, ":at": _time(firing.at), ":none": {"N": "0"}, ":one": {"N": "1"}},
            ),
        )

    def pause(self, schedule: str, now: datetime) -> ScheduleRecord:
        """Have workers make no tasks of the schedule; return its record. An earlier pause goes on."""
        update = self._update(schedule, "SET pausedAt = if_not_exists(pausedAt, :now)", {":now": _time(now)})
        return _record(schedule, self._client().update_item(**update)["Attributes"])

    def resume(self, schedule: str) -> None:
        """End the pause of a schedule."""
        self._client().update_item(**self._update(schedule, "REMOVE pausedAt"))

    def read(self, schedules: Iterable[str]) -> Iterator[ScheduleRecord]:
        """Yield the record of each schedule, read consistently; an empty one if it never fired."""
        for schedule in schedules:
            answer = self._client().get_item(TableName=self._table, Key=_key(schedule), ConsistentRead=True)
            yield _record(schedule, answer.get("Item", {}))

    def _update(self, schedule: str, expression: str, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the request that updates the record of a schedule, and asks for the new one."""
        request = {"TableName": self._table, "Key": _key(schedule), "UpdateExpression": expression}
        # DynamoDB refuses empty ones.
        given = {"ExpressionAttributeValues": values} if values else {}
        return {**request, **given, "ReturnValues": "ALL_NEW"}


def _time(moment: datetime) -> dict[str, str]:
    return {"S": to_iso(moment)}


def _key(schedule: str) -> dict[str, Any]:
    return {"taskId": {"S": f"{_PREFIX}{schedule}"}}


def _record(schedule: str, item: Mapping[str, Any]) -> ScheduleRecord:
    def moment(name: str) -> datetime | None:
        return from_iso(item[name]["S"]) if name in item else None

    return ScheduleRecord(
        schedule,
        moment("pausedAt"),
        moment("firingAt"),
        item.get("skipReason", {}).get("S"),
        int(item.get("skips", {}).get("N", 0)),
    )
