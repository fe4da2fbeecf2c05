"""When a payload is an item of its own, under which id, and for how long."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ftask.core import expiry
from ftask.core.codec import TASK_ID
from ftask.core.errors import TemporarilyUnavailableError
from ftask.core.expiry import MESSAGE_LIFE, SPARE, lasting, payload_expiry
from ftask.core.model import Task
from ftask.core.payload import Submission
from ftask.core.payload_item import (
    MAX_INLINE_BYTES,
    payload_item_id,
    payload_item_of,
    payload_to_item,
)
from ftask.core.submission import STORE_TIME, Submitter
from tests.support.builders import LARGE_PAYLOAD, a_large_task, a_task
from tests.support.clock import EPOCH, FakeClock
from tests.support.resources import template

RETENTION = timedelta(days=30)


def test_a_payload_is_measured_in_bytes() -> None:
    assert payload_item_of("ż" * (MAX_INLINE_BYTES // 2), EPOCH, RETENTION) is None
    assert payload_item_of("ż" * (MAX_INLINE_BYTES // 2 + 1), EPOCH, RETENTION) is not None


def test_each_text_of_a_task_has_an_id_of_its_own_and_no_tasks_id() -> None:
    same, other = a_large_task(), a_large_task(LARGE_PAYLOAD + " ")
    ids = {payload_item_id(task) for task in (a_large_task(), same, other, a_large_task(task_id="f" * 32))}
    assert len(ids) == 3
    assert not any(TASK_ID.fullmatch(each) for each in ids)


def test_a_payload_outlives_every_task_whose_message_is_sent_with_it() -> None:
    # The message is received on its last day, and the task is kept from then on.
    task_expires = EPOCH + MESSAGE_LIFE + RETENTION
    kept = payload_item_of(LARGE_PAYLOAD, EPOCH, RETENTION)
    assert kept is not None
    assert kept.expires_at > task_expires
    task = replace(a_large_task(), payload_item=kept, expires_at=EPOCH + MESSAGE_LIFE + SPARE)
    assert lasting(task, EPOCH + SPARE, RETENTION) is task
    later = lasting(task, EPOCH + SPARE + timedelta(seconds=1), RETENTION)
    assert later.payload_item is not None
    assert later.payload_item.expires_at == payload_expiry(EPOCH + SPARE + timedelta(seconds=1), RETENTION)
    assert template()["Resources"]["Queue"]["Properties"]["MessageRetentionPeriod"] == MESSAGE_LIFE.total_seconds()


@pytest.mark.parametrize("days", [10, 100])
def test_a_task_is_kept_no_longer_than_its_payload(days: int) -> None:
    moment = EPOCH + timedelta(days=days)
    assert expiry.kept(a_task(), moment, timedelta(0)) == a_task(expires_at=moment)
    task = a_large_task()
    assert task.payload_item is not None
    until = min(moment, task.payload_item.expires_at)
    assert expiry.kept(task, moment, timedelta(0)) == replace(task, expires_at=until)


def test_a_payload_inside_of_its_tasks_item_has_no_item() -> None:
    for make in (payload_item_id, payload_to_item):
        with pytest.raises(AssertionError):
            make(a_task())


class SlowPayloads:
    """A table that takes seven seconds for a payload, and nobody to send messages to."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.payloads = 0

    def put_payload(self, task: Task) -> None:
        self._clock.advance(7)
        self.payloads += 1

    def put(self, task: Task) -> Task | None:
        raise AssertionError("begun with too little time left")


def test_a_batch_that_has_no_time_for_a_task_after_its_payload_does_not_accept_it() -> None:
    clock = FakeClock()
    store: Any = SlowPayloads(clock)
    submitter = Submitter(store, store, clock, 2, RETENTION)
    deadline = clock() + STORE_TIME + timedelta(seconds=1)
    (answer,) = submitter.submit_many([Submission(json.loads(LARGE_PAYLOAD))], deadline)
    assert isinstance(answer, TemporarilyUnavailableError)
    assert store.payloads == 1
