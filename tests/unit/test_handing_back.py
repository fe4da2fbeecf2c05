"""A worker that hands a task back, though it could run, says for how long it could have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest

from ftask.core.codec import encode_message
from ftask.core.events import Event, EventName
from ftask.core.execution import Executor
from ftask.core.memory import TaskInMemory
from ftask.core.model import Delivery, Message, Status, Task
from ftask.core.ports import Handler
from ftask.core.retry import RetryPolicy
from tests.support.builders import TASK_ID, a_task
from tests.support.clock import EPOCH

# The task is due since EPOCH, and its message was sent a second later.
NOW = EPOCH + timedelta(minutes=40)
DELIVERY = Delivery("m", "r", encode_message(Message(TASK_ID)), EPOCH + timedelta(seconds=1))


class NoChild:
    """Children that are never ready."""

    @contextmanager
    def child(self, until: datetime) -> Iterator[Handler | None]:
        yield None


def postponed(task: Task, seconds_left: float = 20, delivery: Delivery = DELIVERY, **parts: Any) -> Event:
    """Execute the delivery with so much time left; return the event of its being left in the queue."""
    memory: Any = TaskInMemory(task, lambda: NOW)
    seen: list[Event] = []
    executor = Executor(
        store=memory,
        queue=memory,
        dead_letters=memory,
        handler=lambda job: None,
        clock=lambda: NOW,
        rng=Random(0),
        policy=RetryPolicy(2, 900, jitter=False),
        budget=timedelta(seconds=10),
        retention=timedelta(days=30),
        observe=seen.append,
        **parts,
    )
    assert not executor.execute(delivery, NOW + timedelta(seconds=seconds_left))
    (event,) = (event for event in seen if event.name is EventName.POSTPONED)
    return event


@pytest.mark.parametrize(
    "parts", [{"isolation": NoChild(), "isolated_types": ["experiment"]}, {"types": ["another"]}], ids=["child", "type"]
)
def test_a_begun_task_has_been_due_since_it_could_begin(parts: dict[str, Any]) -> None:
    assert postponed(a_task(), **parts).fields["waitMs"] == 40 * 60_000


def test_a_task_that_was_not_looked_at_has_waited_since_its_message_was_sent() -> None:
    assert postponed(a_task(), seconds_left=1).fields["waitMs"] == 40 * 60_000 - 1000


def test_a_message_of_a_later_version_has_waited_since_it_was_sent() -> None:
    later = Delivery("m", "r", '{"v":99}', DELIVERY.sent_at)
    assert postponed(a_task(), delivery=later).fields["waitMs"] == 40 * 60_000 - 1000


def test_a_task_that_is_not_due_has_not_waited() -> None:
    backing_off = a_task(status=Status.RETRYING, next_attempt_at=NOW + timedelta(seconds=5))
    assert postponed(backing_off).fields["waitMs"] is None
