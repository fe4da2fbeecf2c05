from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import islice
from typing import Any

import pytest

from ftask.client.errors import UnknownTaskError
from ftask.core.item import task_to_item
from ftask.core.model import Failure, Status, Task
from ftask.submission.job import Job
from ftask.submission.watch import EMULATOR_ROUND_SECONDS, MAX_ERROR_KINDS, MAX_SLOWNESS, OTHER_ERRORS, Watcher
from tests.support.builders import TASK_ID, a_task
from tests.support.clock import EPOCH, VirtualTime
from tests.support.resources import Resources
from tests.support.stages import stage_of

OTHER_ID = "f" * 32
COMPLETED = {"status": Status.COMPLETED, "completed_at": EPOCH + timedelta(seconds=1)}


def watcher(resources: Resources, task_ids: list[str], time: VirtualTime) -> Watcher:
    stage = stage_of(resources)
    job = Job()
    job.watch(task_ids)
    return Watcher(stage.target, stage.outputs.table, job, time.sleep, time.clock, tasks_per_read=100)


def numbered(count: int) -> list[str]:
    return [f"{number:032x}" for number in range(count)]


def put_all(resources: Resources, tasks: Iterable[Task]) -> None:
    """Write many tasks, in place of what the table has."""
    remaining = iter(tasks)
    while chunk := list(islice(remaining, 25)):
        puts: Any = [{"PutRequest": {"Item": task_to_item(task)}} for task in chunk]
        resources.dynamodb.batch_write_item(RequestItems={resources.table: puts})


@contextmanager
def counted_reads(resources: Resources) -> Iterator[list[int]]:
    """How many tasks each request of the block reads."""
    sizes: list[int] = []

    def count(params: Any, **_: Any) -> None:
        sizes.append(len(params["RequestItems"][resources.table]["Keys"]))

    events = resources.dynamodb.meta.events
    events.register("provide-client-params.dynamodb.BatchGetItem", count)
    try:
        yield sizes
    finally:
        events.unregister("provide-client-params.dynamodb.BatchGetItem", count)


def test_watching_ends_with_the_last_task(moto_resources: Resources) -> None:
    store, time = stage_of(moto_resources).store, VirtualTime()
    store.put(a_task())
    store.put(a_task(task_id=OTHER_ID, **COMPLETED))
    watching = watcher(moto_resources, [OTHER_ID, TASK_ID, OTHER_ID], time)
    reads = watching.rounds()
    assert [task.task_id for task in next(reads)] == [OTHER_ID, TASK_ID]
    assert watching.job.open_count == 1
    put_all(moto_resources, [a_task(**COMPLETED, updated_at=EPOCH + timedelta(seconds=1))])
    assert [task.task_id for task in next(reads)] == [TASK_ID]
    assert list(reads) == []
    assert watching.progress.states == {Status.COMPLETED: 2}
    assert EMULATOR_ROUND_SECONDS <= time.seconds < 2 * EMULATOR_ROUND_SECONDS


def test_watching_ends_at_its_timeout_with_one_last_read(moto_resources: Resources) -> None:
    time = VirtualTime()
    stage_of(moto_resources).store.put(a_task())
    watching = watcher(moto_resources, [TASK_ID], time)
    assert [len(changed) for changed in watching.rounds(EMULATOR_ROUND_SECONDS / 2)] == [1, 0]
    assert time.seconds == EMULATOR_ROUND_SECONDS / 2
    assert watching.job.open_count == 1


def test_a_task_that_does_not_exist_is_named(moto_resources: Resources) -> None:
    with pytest.raises(UnknownTaskError, match=OTHER_ID):
        next(watcher(moto_resources, [OTHER_ID], VirtualTime()).rounds())


def test_every_task_is_read_once_even_if_the_time_is_over(moto_resources: Resources) -> None:
    ids = numbered(250)
    put_all(moto_resources, (a_task(task_id=task_id, **COMPLETED) for task_id in ids))
    watching = watcher(moto_resources, ids, VirtualTime())
    with counted_reads(moto_resources) as sizes:
        assert sum(map(len, watching.rounds(0))) == len(ids)
    # One request reads a hundred, and none reads an ended task again.
    assert sizes == [100, 100, 50]
    assert watching.progress.states == {Status.COMPLETED: len(ids)}


def test_open_tasks_cost_at_most_five_requests_a_second_and_ended_ones_none(moto_resources: Resources) -> None:
    ids = numbered(200)
    # Every second task waits.
    put_all(moto_resources, (a_task(task_id=ids[n], **({} if n % 2 else COMPLETED)) for n in range(len(ids))))
    watching = watcher(moto_resources, ids, VirtualTime())
    with counted_reads(moto_resources) as sizes:
        list(watching.rounds(10))
    first, later = sizes[:2], sizes[2:]
    assert sum(first) == len(ids)
    assert set(later) == {100}
    assert 10 < len(later) <= 50
    assert watching.progress.states == {Status.PENDING: 100, Status.COMPLETED: 100}


def test_tasks_that_are_found_ended_are_read_without_a_pause(moto_resources: Resources) -> None:
    ids, time = numbered(400), VirtualTime()
    put_all(moto_resources, (a_task(task_id=task_id) for task_id in ids))
    watching = watcher(moto_resources, ids, time)
    reads = watching.rounds()
    for _ in range(4):
        next(reads)
    put_all(moto_resources, (a_task(task_id=task_id, **COMPLETED) for task_id in ids))
    list(reads)
    # The first pause follows a read that found its tasks open. The others only grow as fewer tasks are left.
    assert time.pauses == [0.2 + 0.3 / 4, 0.3 / 4, 0.3 / 3, 0.3 / 2]


def test_errors_are_counted_by_kind_while_tasks_wait_for_a_retry_and_once_they_failed(
    moto_resources: Resources,
) -> None:
    time, ids = VirtualTime(), numbered(3)
    errors = [Failure("ValueError", f"no order {number}") for number in range(3)]
    put_all(
        moto_resources,
        (a_task(task_id=ids[n], status=Status.RETRYING, last_error=errors[n]) for n in range(3)),
    )
    watching = watcher(moto_resources, ids, time)
    reads = watching.rounds()
    next(reads)
    assert watching.progress.retrying == {"ValueError: no order <n>": 3}
    failed = {"status": Status.FAILED, "failed_at": EPOCH}
    put_all(moto_resources, [a_task(task_id=ids[0], last_error=Failure("ValueError", "no order 7"), **failed)])
    next(reads)
    assert watching.progress.retrying == {"ValueError: no order <n>": 2}
    assert watching.progress.errors == {"ValueError: no order <n>": 1}
    assert list(watching.job.watched(Status.FAILED)) == [ids[0]]
    assert watching.first_failed_at == EPOCH


def test_more_kinds_of_error_than_a_person_reads_share_one_line(moto_resources: Resources) -> None:
    ids = numbered(MAX_ERROR_KINDS + 5)
    errors = [Failure("ValueError", "x" * (number + 1)) for number in range(len(ids))]
    failed = {"status": Status.FAILED, "failed_at": EPOCH}
    put_all(moto_resources, (a_task(task_id=ids[n], last_error=errors[n], **failed) for n in range(len(ids))))
    watching = watcher(moto_resources, ids, VirtualTime())
    list(watching.rounds())
    assert len(watching.progress.errors) == MAX_ERROR_KINDS + 1
    assert watching.progress.errors[OTHER_ERRORS] == 5


def test_a_long_wait_reads_less_often(moto_resources: Resources) -> None:
    time = VirtualTime()
    put_all(moto_resources, [a_task()])
    list(watcher(moto_resources, [TASK_ID], time).rounds(200))
    first, last = time.pauses[0], time.pauses[-2]
    assert first == pytest.approx(EMULATOR_ROUND_SECONDS, rel=0.01)
    assert last == pytest.approx(MAX_SLOWNESS * first)


def test_tasks_that_come_during_the_wait_are_followed_too_and_read_again_in_their_order(
    moto_resources: Resources,
) -> None:
    put_all(moto_resources, [a_task(**COMPLETED), a_task(task_id=OTHER_ID, **COMPLETED)])
    watching = watcher(moto_resources, [OTHER_ID], VirtualTime())
    coming = [TASK_ID]

    def more_come() -> bool:
        watching.job.watch(coming[:1])
        return bool(coming and coming.pop())

    seen = [task.task_id for changed in watching.rounds(more_come=more_come) for task in changed]
    assert seen == [OTHER_ID, TASK_ID]
    assert [task.task_id for task in watching.read_again(["0" * 32, TASK_ID, OTHER_ID])] == [TASK_ID, OTHER_ID]


def test_a_missing_task_stays_open_where_it_is_no_error(moto_resources: Resources) -> None:
    watching = watcher(moto_resources, [OTHER_ID], VirtualTime())
    missing: list[str] = []
    watching.missing = missing.append
    assert list(watching.rounds(0)) == [[]]
    assert (missing, watching.job.open_count) == ([OTHER_ID], 1)
