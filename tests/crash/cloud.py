"""AWS in the process: moto under a clock that only tests move, reached through the product's own adapters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import boto3
import moto.sqs.models
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from moto import mock_aws
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.dynamodb.models.dynamo_type import DynamoType, LimitedSizeDict

from ftask.core.item import is_task, item_to_task
from ftask.core.model import Delivery, Task
from tests.crash.wire import Wire
from tests.support import resources
from tests.support.clock import FakeClock

REGION = "us-east-1"


class Cloud:
    """moto, its time, and clients that stop at every call, which are made once; emptied for each run."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.wire: Wire | None = None
        session = boto3.Session("a", "b", region_name=REGION)
        # Signatures and checked parameters are for tests/contract; here they would take a tenth of the time.
        config = Config(
            retries={"mode": "standard", "total_max_attempts": 2},
            signature_version=UNSIGNED,
            parameter_validation=False,
            user_agent="tests",
        )
        # What the product calls through, and what the test itself looks and acts through.
        self._watched = session.client("dynamodb", config=config), session.client("sqs", config=config)
        self._direct = session.client("dynamodb"), session.client("sqs")
        self.scheduler = session.client("scheduler", config=config)
        for client in (*self._watched, self.scheduler):
            events = client.meta.events
            events.register_first("before-parameter-build.*.*", self._edit)
            events.register_first("before-call.*.*", self._before)
            events.register_first("after-call.*.*", self._after)
            events.register_first("needs-retry.*.*", self._lost)

    def create(self) -> None:
        """Make the table and the queues, in a moto that has just started."""
        self.wire = None
        self.clock.now = FakeClock().now
        self.product = resources.create(*self._watched)
        self.aws = replace(self.product, dynamodb=self._direct[0], sqs=self._direct[1])

    def seconds(self) -> float:
        """The virtual time, for moto."""
        return self.clock.now.timestamp()

    def empty(self) -> None:
        self.clock.now = FakeClock().now
        self._queue(self.product.queue_url)._messages.clear()
        self._queue(self.product.dead_letter_queue_url)._messages.clear()
        self._table().items.clear()
        self._schedules().clear()

    def next_visible(self) -> datetime | None:
        """When the next message of the main queue may be received; None if it holds none."""
        messages = self._queue(self.product.queue_url)._messages
        moments = [max(message.visible_at, message.delayed_until) for message in messages]
        return datetime.fromtimestamp(min(moments) / 1000, self.clock.now.tzinfo) if moments else None

    def next_schedule(self) -> datetime | None:
        """When the next one-time schedule fires; None without one."""
        return min((moment for moment, _ in self._firings()), default=None)

    def fire(self, *, is_deleted: bool = True) -> str:
        """Fire the next one-time schedule; return the body of the message that it sends."""
        _, schedule = min(self._firings(), key=lambda firing: firing[0])
        if is_deleted:
            del self._schedules()[schedule.name]
        return str(schedule.target["Input"])

    def lose_schedules(self) -> None:
        self._schedules().clear()

    # The environment acts and looks past the network layer: it is no part of what is tested, and this is fast.

    def receive(self) -> Delivery | None:
        """What the poller gets, if a message is visible."""
        name = self.product.queue_url.rpartition("/")[2]
        messages = _backend("sqs").receive_message(name, 1, 0, resources.VISIBILITY_SECONDS)
        return Delivery(messages[0].id, messages[0].receipt_handle, messages[0].body) if messages else None

    def acknowledge(self, delivery: Delivery) -> None:
        self._queue(self.product.queue_url).delete_message(delivery.receipt_handle)

    def tasks(self) -> dict[str, Task]:
        """Every task in the table, by its id."""
        items = self._table().items.values()
        plain = (_plain(item.attrs) for item in items)
        return {task.task_id: task for task in map(item_to_task, filter(is_task, plain))}

    def expire(self) -> None:
        """Delete the items that have expired, as DynamoDB does some time later."""
        items = self._table().items
        for key, item in list(items.items()):
            if int(item.attrs["expiresAt"].value) <= self.seconds():
                del items[key]

    def letters(self) -> list[str]:
        """The bodies of all dead letters."""
        return [message.body for message in self._queue(self.product.dead_letter_queue_url)._messages]

    def _firings(self) -> list[tuple[datetime, Any]]:
        return [
            (datetime.fromisoformat(f"{schedule.schedule_expression[3:-1]}+00:00"), schedule)
            for schedule in self._schedules().values()
        ]

    def _schedules(self) -> dict[str, Any]:
        schedules: dict[str, Any] = _backend("scheduler").schedule_groups["default"].schedules
        return schedules

    def _queue(self, url: str) -> Any:
        return _backend("sqs").queues[url.rpartition("/")[2]]

    def _table(self) -> Any:
        return _backend("dynamodb").tables[self.product.table]

    def _edit(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self.wire is not None and self.wire.edit is not None:
            self.wire.edit(model.name, params)

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        return self.wire.before(model.name, context) if self.wire else None

    def _after(self, context: dict[str, Any], **_: Any) -> None:
        if self.wire:
            self.wire.after(context)

    def _lost(self, request_dict: dict[str, Any], caught_exception: Any, response: Any, **_: Any) -> Any:
        return self.wire.answered(request_dict["context"]) if self.wire and caught_exception is None else None


def _plain(value: Any) -> Any:
    """moto's own values as DynamoDB's JSON."""
    if isinstance(value, DynamoType):
        return {value.type: _plain(value.value)}
    if isinstance(value, Mapping):
        return {name: _plain(child) for name, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value


def _backend(service: str) -> Any:
    backends: BackendDict[Any] = get_backend(service)  # type: ignore[call-overload]  # one of three literals
    return backends["123456789012"][REGION]


@contextmanager
def in_moto(cloud: Cloud) -> Iterator[Cloud]:
    """Start moto, under a clock that only tests move. While one moto runs, a second one does not begin empty."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(moto.sqs.models, "unix_time_millis", lambda *_: cloud.seconds() * 1000)
        patch.setattr(moto.sqs.models, "unix_time", lambda *_: cloud.seconds())
        # Items are measured against DynamoDB's limit at each attribute that is set; those of the stories are small.
        patch.setattr(LimitedSizeDict, "__setitem__", dict.__setitem__)
        cloud.create()
        yield cloud
