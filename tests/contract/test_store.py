"""The contract of the table, held by every implementation of DynamoDB that ftask runs on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from ftask.core import transitions
from ftask.core.dynamodb import DynamoStore
from ftask.core.model import Attempt, Failure, Lease, Message, Status, Task, Unique
from ftask.core.ports import Settlement
from ftask.core.retry import RetryPolicy
from tests.support.builders import TASK_ID, a_full_task, a_task
from tests.support.clock import EPOCH
from tests.support.resources import Resources

MESSAGE = Message(TASK_ID, 0)
UNTIL = EPOCH + timedelta(seconds=20)
ERROR = Failure("ValueError", "no")


@pytest.fixture
def store(backend: Resources) -> DynamoStore:
    return backend.store


def begun(store: DynamoStore, owner: str = "me") -> Task:
    ok, task = store.begin(MESSAGE, owner, UNTIL, EPOCH)
    assert ok
    assert task is not None
    return task


def failed(store: DynamoStore) -> Task:
    store.put(a_task(max_attempts=1))
    after = transitions.failed_attempt(begun(store), ERROR, EPOCH, RetryPolicy(), Random(1))
    assert store.settle(after, "me") is Settlement.DONE
    return after


def test_a_task_is_read_back_as_it_was_put(store: DynamoStore) -> None:
    task = a_task(payload='{"n":1234567890123456789012345678901234567890,"f":0.1,"e":"","u":"żółć 🎉"}')
    assert store.put(task) is None
    assert store.get(TASK_ID) == task


def test_an_unknown_task_is_none(store: DynamoStore) -> None:
    assert store.get("f" * 32) is None


def test_an_id_is_given_once_and_the_second_taker_sees_the_first(store: DynamoStore) -> None:
    store.put(a_task())
    assert store.put(a_task(payload='{"other":1}')) == a_task()
    assert store.get(TASK_ID) == a_task()


def test_begin_takes_the_lease_and_counts_the_attempt(store: DynamoStore) -> None:
    store.put(a_task())
    task = begun(store)
    assert (task.status, task.attempts) == (Status.PROCESSING, 1)
    assert task.lease is not None
    assert (task.lease.owner, task.lease.until) == ("me", UNTIL)
    assert [(attempt.number, attempt.started_at) for attempt in task.history] == [(1, EPOCH)]
    assert store.get(TASK_ID) == task


def test_begin_of_an_unknown_task_finds_nothing(store: DynamoStore) -> None:
    assert store.begin(MESSAGE, "me", UNTIL, EPOCH) == (False, None)


@pytest.mark.parametrize("moment", [EPOCH, UNTIL + timedelta(hours=1)])
def test_nobody_begins_a_task_that_runs_or_whose_worker_died(store: DynamoStore, moment: datetime) -> None:
    store.put(a_task())
    first = begun(store)
    assert store.begin(MESSAGE, "you", UNTIL, moment) == (False, first)


def test_begin_writes_how_many_messages_came_along(store: DynamoStore) -> None:
    store.put(a_task())
    ok, task = store.begin(MESSAGE, "me", UNTIL, EPOCH, beside=9)
    assert ok
    assert task is not None
    assert task.history == (Attempt(1, 0, EPOCH, beside=9),)


def taken_over(task: Task, owner: str = "you") -> Task:
    return transitions.taken_over(task, Lease(owner, UNTIL + timedelta(hours=1)), 0, UNTIL)


def test_a_lease_is_taken_over_from_its_dead_owner_alone_and_once(store: DynamoStore) -> None:
    store.put(a_task())
    first = begun(store)
    after = taken_over(first)
    assert not store.take_over(after, "somebody else")
    assert store.get(TASK_ID) == first
    assert store.take_over(after, "me")
    assert not store.take_over(taken_over(first, "they"), "me")
    assert store.get(TASK_ID) == after


def test_a_cancelled_or_settled_task_is_not_taken_over(store: DynamoStore) -> None:
    store.put(a_task())
    first = begun(store)
    assert store.request_cancel(TASK_ID, 0, EPOCH)
    assert not store.take_over(taken_over(first), "me")
    done = transitions.completed(first, None, EPOCH)
    assert store.settle(done, "me") is Settlement.DONE
    assert not store.take_over(taken_over(first), "me")
    assert store.get(TASK_ID) == done


def test_an_attempt_that_is_given_back_was_never_begun(store: DynamoStore) -> None:
    store.put(a_task())
    before = transitions.given_back(begun(store), EPOCH)
    assert store.settle(before, "me") is Settlement.DONE
    assert store.settle(before, "me") is Settlement.DONE
    assert begun(store, "you").attempts == 1


def test_a_cancelled_task_is_not_given_back(store: DynamoStore) -> None:
    store.put(a_task())
    task = begun(store)
    assert store.request_cancel(TASK_ID, 0, EPOCH)
    assert store.settle(transitions.given_back(task, EPOCH), "me") is Settlement.CANCEL_REQUESTED


def test_nobody_begins_before_the_backoff_is_over(store: DynamoStore) -> None:
    store.put(a_task())
    after = transitions.failed_attempt(begun(store), ERROR, EPOCH, RetryPolicy(), Random(1))
    assert store.settle(after, "me") is Settlement.DONE
    early = EPOCH + timedelta(seconds=2) - timedelta(milliseconds=1)
    ok, current = store.begin(MESSAGE, "you", UNTIL, early)
    assert not ok
    assert current == after
    ok, task = store.begin(MESSAGE, "you", UNTIL, EPOCH + timedelta(seconds=2))
    assert ok
    assert task is not None
    assert task.next_attempt_at is None


@pytest.mark.parametrize("epoch", [1, 2])
def test_nobody_begins_in_another_epoch(store: DynamoStore, epoch: int) -> None:
    store.put(a_task())
    assert store.begin(Message(TASK_ID, epoch), "me", UNTIL, EPOCH) == (False, a_task())


def test_the_holder_of_the_lease_settles_and_nobody_begins_after_that(store: DynamoStore) -> None:
    store.put(a_task())
    after = transitions.completed(begun(store), '{"ok":true}', EPOCH)
    assert store.settle(after, "me") is Settlement.DONE
    assert store.get(TASK_ID) == after
    assert store.begin(MESSAGE, "you", UNTIL, UNTIL + timedelta(hours=1)) == (False, after)


def test_an_outcome_writes_every_field_that_is_not_fixed_at_submission(store: DynamoStore) -> None:
    store.put(a_task(type="send_invoice"))
    began = begun(store)
    full = a_full_task(lease=began.lease)
    assert store.settle(full, "me") is Settlement.DONE
    assert store.get(TASK_ID) == replace(full, payload_hash=None, group=None, tags={})


def test_a_settlement_that_is_sent_twice_is_recognised(store: DynamoStore) -> None:
    store.put(a_task())
    after = transitions.completed(begun(store), None, EPOCH)
    assert store.settle(after, "me") is Settlement.DONE
    assert store.settle(after, "me") is Settlement.DONE


def test_who_lost_the_lease_settles_nothing(store: DynamoStore) -> None:
    store.put(a_task())
    mine = begun(store)
    theirs = taken_over(mine)
    assert store.take_over(theirs, "me")
    assert store.settle(transitions.completed(mine, None, EPOCH), "me") is Settlement.LEASE_LOST
    assert store.get(TASK_ID) == theirs


def test_a_settlement_with_another_outcome_is_not_taken_for_ones_own(store: DynamoStore) -> None:
    store.put(a_task())
    mine = begun(store)
    assert store.settle(transitions.completed(mine, None, EPOCH), "me") is Settlement.DONE
    again = transitions.failed_attempt(mine, ERROR, EPOCH, RetryPolicy(), Random(1))
    assert store.settle(again, "me") is Settlement.LEASE_LOST


def test_a_failed_task_is_in_the_index_and_leaves_it_with_a_redrive(backend: Resources) -> None:
    after = failed(backend.store)

    def indexed() -> int:
        return backend.dynamodb.scan(TableName=backend.table, IndexName="failed")["Count"]

    assert indexed() == 1
    assert backend.store.reopen(transitions.reopened(after, EPOCH))
    assert indexed() == 0


def test_a_failed_task_is_reopened_once_for_each_epoch(store: DynamoStore) -> None:
    next_epoch = transitions.reopened(failed(store), EPOCH)
    assert store.reopen(next_epoch)
    assert store.get(TASK_ID) == next_epoch
    assert not store.reopen(next_epoch)


def test_only_a_failed_task_is_reopened(store: DynamoStore) -> None:
    store.put(a_task())
    task = begun(store)
    assert not store.reopen(transitions.reopened(task, EPOCH))
    assert store.get(TASK_ID) == task


def test_an_untouched_task_is_discarded(store: DynamoStore) -> None:
    store.put(a_task())
    assert store.withdraw(TASK_ID) is None
    assert store.get(TASK_ID) is None
    assert store.withdraw(TASK_ID) is None


def test_a_task_that_was_begun_is_never_discarded(store: DynamoStore) -> None:
    store.put(a_task())
    task = begun(store)
    assert store.withdraw(TASK_ID) == task
    assert store.get(TASK_ID) == task


def test_only_a_task_that_waits_for_its_first_attempt_is_prolonged(store: DynamoStore) -> None:
    task = a_task()
    later = replace(task, expires_at=EPOCH + timedelta(days=60))
    assert not store.prolong(later)
    assert store.get(TASK_ID) is None
    store.put(task)
    assert store.prolong(later)
    assert store.get(TASK_ID) == later
    assert not store.prolong(replace(later, epoch=1))
    running = begun(store)
    assert not store.prolong(task)
    assert store.get(TASK_ID) == running
    given_back = transitions.given_back(running, EPOCH + timedelta(seconds=1))
    assert store.settle(given_back, "me") is Settlement.DONE
    assert not store.prolong(later)
    assert store.get(TASK_ID) == given_back


def test_a_delayed_cancel_request_does_not_reach_the_next_epoch(store: DynamoStore) -> None:
    assert store.reopen(transitions.reopened(failed(store), EPOCH))
    ok, task = store.begin(Message(TASK_ID, 1), "you", UNTIL, EPOCH)
    assert ok
    assert not store.request_cancel(TASK_ID, 0, EPOCH)
    assert store.get(TASK_ID) == task
    assert store.request_cancel(TASK_ID, 1, EPOCH)


def test_many_tasks_are_read_at_once(store: DynamoStore) -> None:
    ids = [f"{number:032x}" for number in range(130)]
    for task_id in ids:
        store.put(replace(a_task(), task_id=task_id))
    read = {task.task_id for task in store.get_many([*ids, ids[0], "f" * 32])}
    assert read == set(ids)


@pytest.mark.engine
def test_a_task_that_succeeds_costs_three_write_units_and_none_in_the_index(engine_resources: Resources) -> None:
    units = 0.0

    def count(parsed: dict[str, object], **_: object) -> None:
        nonlocal units
        consumed = parsed.get("ConsumedCapacity")
        if isinstance(consumed, dict):
            units += consumed["CapacityUnits"]

    def ask(params: dict[str, object], **_: object) -> None:
        params["ReturnConsumedCapacity"] = "INDEXES"

    events = engine_resources.dynamodb.meta.events
    for operation in ("PutItem", "UpdateItem"):
        events.register(f"provide-client-params.dynamodb.{operation}", ask)
        events.register(f"after-call.dynamodb.{operation}", count)
    store = engine_resources.store
    store.put(a_task())
    store.settle(transitions.completed(begun(store), '{"message":"done"}', EPOCH), "me")
    assert units == 3


def test_a_waiting_task_is_cancelled_as_it_was_seen(store: DynamoStore) -> None:
    task = a_task()
    store.put(task)
    after = transitions.cancelled(task, EPOCH + timedelta(seconds=1))
    assert store.cancel(after) is None
    assert store.get(task.task_id) == after
    assert store.cancel(after) == after


def test_a_running_task_is_not_cancelled_and_its_attempt_is_the_last(store: DynamoStore) -> None:
    task = a_task()
    store.put(task)
    mine = begun(store)
    assert store.cancel(transitions.cancelled(task, EPOCH)) == mine
    assert store.request_cancel(task.task_id, 0, EPOCH)
    retrying = transitions.failed_attempt(mine, ERROR, EPOCH, RetryPolicy(), Random(1))
    assert store.settle(retrying, "me") is Settlement.CANCEL_REQUESTED
    cancelled = transitions.cancelled(retrying, EPOCH)
    assert store.settle(cancelled, "me") is Settlement.DONE
    assert store.get(task.task_id) == cancelled
    assert not store.request_cancel(task.task_id, 0, EPOCH)


def test_a_settlement_that_writes_only_what_differs_leaves_the_item_as_a_whole_write_would(backend: Resources) -> None:
    store = backend.store
    policy = RetryPolicy(base_seconds=0)
    ends: list[Callable[[Task], Task]] = [
        lambda task: transitions.failed_attempt(task, ERROR, EPOCH, policy, Random(1)),
        lambda task: transitions.failed_attempt(task, ERROR, EPOCH, policy, Random(1)),
        lambda task: transitions.completed(task, '{"ok":true}', EPOCH),
    ]
    items = []
    for writes_differences in (False, True):
        backend.dynamodb.delete_item(TableName=backend.table, Key={"taskId": {"S": TASK_ID}})
        store.put(a_task(max_attempts=9))
        for end in ends:
            before = begun(store)
            after = replace(end(before), expires_at=EPOCH + timedelta(days=60))
            assert store.settle(after, "me", before if writes_differences else None) is Settlement.DONE
            items.append(backend.dynamodb.get_item(TableName=backend.table, Key={"taskId": {"S": TASK_ID}})["Item"])
            assert store.get(TASK_ID) == after
    assert items[: len(ends)] == items[len(ends) :]


def test_a_cancellation_that_came_too_late_leaves_no_mark(store: DynamoStore) -> None:
    store.put(a_task())
    before = begun(store)
    assert store.request_cancel(TASK_ID, 0, EPOCH)
    done = transitions.completed(before, None, EPOCH)
    assert store.settle(done, "me", before) is Settlement.DONE
    assert store.get(TASK_ID) == done


def test_a_cancelled_tasks_dead_worker_is_not_replaced(store: DynamoStore) -> None:
    task = a_task()
    store.put(task)
    begun(store)
    store.request_cancel(task.task_id, 0, EPOCH)
    late = EPOCH + timedelta(seconds=60)
    did, current = store.begin(Message(task.task_id), "other", late, late)
    assert not did
    assert current is not None
    assert current.cancel_requested_at == EPOCH


def unique(task_id: str, until: timedelta | None = None, at: datetime = EPOCH) -> Task:
    lock = Unique("unique#a", None if until is None else at + until, at + timedelta(days=30))
    return a_task(task_id=task_id, created_at=at, unique=lock)


FIRST, SECOND, THIRD = ("a" * 32, "b" * 32, "c" * 32)


def test_a_unique_task_keeps_others_out_until_it_has_ended(store: DynamoStore) -> None:
    assert store.put(unique(FIRST)) is None
    refused = store.put(unique(SECOND))
    assert refused is not None
    assert refused.task_id == FIRST
    assert store.get(SECOND) is None
    again = store.put(unique(FIRST))  # the same submission, sent again
    assert again is not None
    assert again.task_id == FIRST
    waiting = store.get(FIRST)
    assert waiting is not None
    store.cancel(transitions.cancelled(waiting, EPOCH))
    assert store.put(unique(SECOND)) is None
    kept_out = store.put(unique(THIRD))
    assert kept_out is not None
    assert kept_out.task_id == SECOND


def test_a_task_that_is_unique_for_a_time_keeps_others_out_even_after_it_has_ended(store: DynamoStore) -> None:
    hour = timedelta(hours=1)
    store.put(unique(FIRST, hour))
    waiting = store.get(FIRST)
    assert waiting is not None
    store.cancel(transitions.cancelled(waiting, EPOCH))
    assert store.put(unique(SECOND, hour, EPOCH + hour / 2)) is not None
    assert store.put(unique(SECOND, hour, EPOCH + hour)) is None


def test_a_lock_whose_task_has_expired_is_free(store: DynamoStore) -> None:
    store.put(unique(FIRST))
    assert store.withdraw(FIRST) is None
    assert store.put(unique(SECOND)) is None


@pytest.mark.engine  # moto has no lock around a transaction
def test_of_many_unique_submissions_at_once_one_is_written(engine_resources: Resources) -> None:
    store = engine_resources.store
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda number: store.put(unique(f"{number:032x}")), range(24)))
    (winner,) = [number for number, holder in enumerate(found) if holder is None]
    assert {holder.task_id for holder in found if holder is not None} == {f"{winner:032x}"}
    assert [number for number in range(24) if store.get(f"{number:032x}")] == [winner]
