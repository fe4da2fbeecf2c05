"""Firings of schedules: each has one outcome, whether it comes twice, early, late, or after its type was removed."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest

from ftask.core.codec import decode_message
from ftask.core.events import Event, EventName
from ftask.core.execution import Executor
from ftask.core.firings import Firing, Firings, encode_firing
from ftask.core.manifest import QUEUE, SKIP, Options, TaskType, TypeSchedule
from ftask.core.model import Delivery, Status, Task
from ftask.core.ports import Job
from ftask.core.redrive import Redriver
from ftask.core.retry import RetryPolicy
from ftask.core.schedule_records import DynamoScheduleRecords
from tests.support.clock import EPOCH, FakeClock
from tests.support.resources import Resources

MINUTE = timedelta(minutes=1)
RETENTION = timedelta(days=30)


class World:
    """A worker with the scheduled type `report`, and deliveries of its firings."""

    def __init__(self, resources: Resources, overlap: str = SKIP) -> None:
        self.clock = FakeClock(EPOCH + timedelta(seconds=7))
        self.resources = resources
        self.store = resources.store
        self.records = DynamoScheduleRecords(lambda: resources.dynamodb, resources.table)
        self.types = {"report": TaskType("report", options=Options(schedule=TypeSchedule(every="1m", overlap=overlap)))}
        self.runs: list[str] = []
        self.seen: list[Event] = []
        self.fails = False

    def fire(self, at: datetime | None = EPOCH, sent_at: datetime | None = None) -> bool:
        """One delivery; True if the message may be deleted."""
        body = encode_firing("report", at)
        return self.executor().execute(
            Delivery("m", "gone", body, sent_at or self.clock()), self.clock() + timedelta(seconds=20)
        )

    def executor(self) -> Executor:
        return Executor(
            store=self.store,
            queue=self.resources.queue,
            dead_letters=self.resources.dead_letters,
            handler=self.handle,
            clock=self.clock,
            rng=Random(1),
            policy=RetryPolicy(),
            budget=timedelta(seconds=1),
            retention=RETENTION,
            observe=self.seen.append,
            firings=Firings(self.store, self.records, self.clock, self.types, 2, RETENTION),
        )

    def handle(self, job: Job) -> None:
        self.runs.append(job.task_id)
        if self.fails:
            raise RuntimeError("down")

    def task(self, at: datetime = EPOCH) -> Task | None:
        return self.store.get(Firing("report", at).task_id)

    def begin_only(self, at: datetime = EPOCH) -> None:
        """A run that has begun and does not end."""
        firings = self.executor().firings
        assert firings is not None
        firings.admit(Firing("report", at))

    @property
    def reasons(self) -> list[str]:
        """Why firings were skipped."""
        return [event.fields["reason"] for event in self.seen if event.name is EventName.SKIPPED]


@pytest.fixture
def world(moto_resources: Resources) -> World:
    return World(moto_resources)


def test_a_firing_makes_a_task_of_its_type_that_runs_at_once(world: World) -> None:
    assert world.fire() is True
    task = world.task()
    assert task is not None
    assert (task.status, task.type, task.payload, task.scheduled_at) == (Status.COMPLETED, "report", "{}", EPOCH)
    assert world.runs == [task.task_id]


def test_a_firing_that_comes_twice_runs_once(world: World) -> None:
    assert [world.fire(), world.fire()] == [True, True]
    assert len(world.runs) == 1


def test_without_the_time_in_the_message_it_is_the_minute_in_which_the_message_was_sent(world: World) -> None:
    """The local engine does not write it."""
    sent_at = EPOCH + timedelta(seconds=9.5)
    world.clock.now = sent_at + timedelta(seconds=1)
    world.fire(None, sent_at)
    world.fire(None, sent_at)
    assert world.runs == [Firing("report", EPOCH).task_id]


def test_a_firing_that_comes_early_waits_for_its_time(world: World) -> None:
    assert world.fire(EPOCH + MINUTE) is False
    assert world.runs == []
    world.clock.now = EPOCH + MINUTE
    assert world.fire(EPOCH + MINUTE) is True
    assert len(world.runs) == 1


def test_of_firings_that_come_late_the_last_one_runs(world: World) -> None:
    """A pause of the stage has held them up; they come in any order."""
    world.clock.now = EPOCH + timedelta(hours=1)
    firings = [EPOCH + minute * MINUTE for minute in (1, 0, 3, 2)]
    assert [world.fire(at) for at in firings] == [False, True, False, True]
    assert world.runs == []
    world.clock.advance(30)
    assert [world.fire(at) for at in firings] == [True, True, True, True]
    assert world.runs == [Firing("report", EPOCH + 3 * MINUTE).task_id]


def test_a_firing_is_skipped_while_the_run_before_has_not_ended_and_stays_so(world: World) -> None:
    world.begin_only()
    holder = Firing("report", EPOCH).task_id
    world.clock.advance(60)
    assert world.fire(EPOCH + MINUTE) is True
    assert world.reasons == [f"the run before, task {holder}, had not ended"]
    # The run ends, and the firing is delivered again: its acknowledgement was lost.
    world.fire()
    assert world.fire(EPOCH + MINUTE) is True
    assert world.runs == [holder]
    (record,) = world.records.read(["report"])
    assert (record.firing_at, record.skips) == (EPOCH + MINUTE, 1)


def test_with_queue_it_waits_for_the_end_of_the_run_before(moto_resources: Resources) -> None:
    world = World(moto_resources, QUEUE)
    world.begin_only()
    world.clock.advance(600)
    assert [world.fire(EPOCH + minute * MINUTE) for minute in (2, 1)] == [False, False]
    world.fire()
    assert [world.fire(EPOCH + minute * MINUTE) for minute in (2, 1)] == [True, True]
    assert len(world.runs) == 3


def test_a_paused_schedule_makes_no_task_and_after_the_pause_the_next_firing_does(world: World) -> None:
    world.records.pause("report", world.clock())
    assert world.fire() is True
    assert world.reasons == ["the schedule is paused"]
    world.records.resume("report")
    world.clock.advance(60)
    world.fire(EPOCH + MINUTE)
    assert world.runs == [Firing("report", EPOCH + MINUTE).task_id]


def test_a_failed_attempt_is_retried_by_the_message_of_its_firing_also_in_a_pause_and_after_a_later_one(
    world: World,
) -> None:
    world.fails = True
    assert world.fire() is False
    world.records.pause("report", world.clock())
    world.fails = False
    world.clock.advance(60)
    assert world.fire() is True
    assert len(world.runs) == 2
    world.records.resume("report")


def test_the_dead_letter_is_the_tasks_and_a_redrive_runs_it_again(world: World) -> None:
    world.fails = True
    world.fire()
    world.clock.advance(60)
    assert world.fire() is True
    sqs, url = world.resources.sqs, world.resources.dead_letter_queue_url
    (letter,) = sqs.receive_message(QueueUrl=url)["Messages"]
    message = decode_message(letter["Body"])
    assert message == Firing("report", EPOCH).message
    redriver = Redriver(world.store, world.resources.queue, world.clock, RETENTION)
    list(redriver.redrive([message]))
    # The firing itself, delivered once more, is of the epoch that is over.
    assert world.fire() is True
    assert len(world.runs) == 2


@pytest.mark.parametrize("age", [timedelta(seconds=10), timedelta(minutes=16)])
def test_a_firing_of_a_schedule_that_no_worker_knows_is_dropped_once_a_deployment_must_be_over(
    world: World, age: timedelta
) -> None:
    world.types.clear()
    world.clock.now = EPOCH + age
    dropped = age > timedelta(minutes=15)
    assert world.fire() is dropped
    assert world.reasons == (["the schedule was removed"] if dropped else [])


@pytest.mark.parametrize(
    "body",
    [
        '{"v":3,"at":"2026-01-01T12:00:00Z"}',
        '{"v":3,"schedule":"a b","at":"2026-01-01T12:00:00Z"}',
        '{"v":3,"schedule":"report","at":"noon"}',
        '{"v":3,"schedule":"report","at":"2026-01-01T12:00:00"}',
        '{"v":3,"schedule":"report","at":7}',
    ],
)
def test_a_firing_that_cannot_be_read_is_dead_lettered(world: World, body: str) -> None:
    deadline = world.clock() + timedelta(seconds=20)
    assert world.executor().execute(Delivery("m", "gone", body, EPOCH), deadline) is True
    (letter,) = world.resources.sqs.receive_message(
        QueueUrl=world.resources.dead_letter_queue_url, MessageAttributeNames=["All"]
    )["Messages"]
    assert letter["MessageAttributes"]["errorType"]["StringValue"] == "MalformedMessage"
