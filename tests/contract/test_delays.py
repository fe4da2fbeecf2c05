"""Tasks that are due later: in the queue up to 15 minutes, beyond by a one-time schedule that the worker makes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from ftask.core.codec import encode_message
from ftask.core.due import Due
from ftask.core.errors import IdempotencyConflictError
from ftask.core.events import Event
from ftask.core.execution import Executor
from ftask.core.model import Delivery, Message, Status, Task
from ftask.core.one_time_schedules import OneTimeSchedules, schedule_name
from ftask.core.payload import Submission
from ftask.core.ports import Job
from ftask.core.rescheduling import Rescheduler
from ftask.core.retry import RetryPolicy
from ftask.core.settings import ScheduleSettings
from ftask.core.sqs import SqsQueue
from ftask.core.submission import Submitter
from tests.support.clock import EPOCH, FakeClock
from tests.support.resources import Resources

RETENTION = timedelta(days=30)
SETTINGS = ScheduleSettings(
    "group", "arn:aws:iam::123456789012:role/s", "arn:aws:sqs:us-east-1:123456789012:q", "arn:aws:sqs:::dead"
)


class Recorded:
    """Schedules that are only written down."""

    def __init__(self) -> None:
        self.sent: list[tuple[Message, datetime]] = []

    def send_at(self, message: Message, due: datetime) -> None:
        self.sent.append((message, due))


class World:
    def __init__(self, resources: Resources) -> None:
        self.clock = FakeClock()
        self.resources = resources
        self.store = resources.store
        self.queue = SqsQueue(lambda: resources.sqs, resources.queue_url, self.clock)
        self.schedules = Recorded()
        self.submitter = Submitter(self.store, self.queue, self.clock, 2, RETENTION)
        self.rescheduler = Rescheduler(self.store, self.queue, self.clock, RETENTION)
        self.runs: list[datetime] = []
        self.seen: list[Event] = []
        self.fails = False

    def submit(self, delay: float | None = None, key: str | None = None, text: str = "", **at: Any) -> Task:
        due = Due(delay=None if delay is None else timedelta(seconds=delay), **at) if delay is not None or at else None
        return self.submitter.submit(Submission({"message": "work", "text": text}, key, due=due))

    def delays(self) -> list[int]:
        """The DelaySeconds of what is sent, as SQS sees it."""
        sent: list[int] = []

        def note(params: dict[str, Any], **_: Any) -> None:
            sent.extend(entry.get("DelaySeconds", 0) for entry in params.get("Entries", [params]))

        self.resources.sqs.meta.events.register("before-parameter-build.sqs.SendMessage", note)
        self.resources.sqs.meta.events.register("before-parameter-build.sqs.SendMessageBatch", note)
        return sent

    def work(self, task: Task, policy: RetryPolicy | None = None) -> bool:
        """One delivery of the task's message; True if it may be deleted."""
        executor = Executor(
            store=self.store,
            queue=self.queue,
            dead_letters=self.resources.dead_letters,
            handler=self.handle,
            clock=self.clock,
            rng=Random(1),
            policy=policy or RetryPolicy(),
            budget=timedelta(seconds=1),
            retention=RETENTION,
            observe=self.seen.append,
            schedules=self.schedules,
        )
        message = encode_message(Message(task.task_id, task.epoch))
        return executor.execute(Delivery("m", "gone", message), self.clock() + timedelta(seconds=20))

    def handle(self, job: Job) -> None:
        self.runs.append(self.clock())
        if self.fails:
            raise RuntimeError("down")


@pytest.fixture
def world(moto_resources: Resources) -> World:
    return World(moto_resources)


@pytest.mark.parametrize(("delay", "seconds"), [(None, 0), (0, 0), (5, 5), (1.2, 2), (900, 900), (901, 0), (86_400, 0)])
def test_sqs_holds_a_task_back_as_long_as_it_can_and_takes_no_delay_beyond(
    world: World, delay: float | None, seconds: int
) -> None:
    sent = world.delays()
    task = world.submit(delay)
    assert sent == [seconds]
    assert task.scheduled_at == (None if not delay else EPOCH + timedelta(seconds=delay))


def test_a_batch_of_delayed_tasks_keeps_each_delay(world: World) -> None:
    sent = world.delays()
    due = [None, Due(delay=timedelta(seconds=60)), Due(at=EPOCH + timedelta(days=30))]
    tasks = world.submitter.submit_many([Submission({}, due=each) for each in due])
    assert sent == [0, 60, 0]
    assert all(isinstance(task, Task) for task in tasks)


def test_a_task_that_is_due_in_hours_leaves_the_queue_for_a_schedule_and_runs_at_its_time(world: World) -> None:
    task = world.submit(7200)
    assert world.work(task) is True
    due = EPOCH + timedelta(hours=2)
    assert world.schedules.sent == [(Message(task.task_id), due)]
    # The schedule fires early: the message waits in the queue for the rest, and uses no attempt.
    world.clock.now = due - timedelta(seconds=90)
    assert world.work(task) is False
    assert world.runs == []
    world.clock.now = due
    assert world.work(task) is True
    # Once more changes nothing.
    assert world.work(task) is True
    assert world.runs == [due]
    ended = world.store.get(task.task_id)
    assert ended is not None
    assert (ended.status, ended.attempts) == (Status.COMPLETED, 1)


def test_a_task_is_kept_from_its_due_time_on_with_its_payload(world: World) -> None:
    task = world.submit(300 * 86_400, text="x" * 2000)
    assert task.payload_item is not None
    assert task.expires_at == EPOCH + timedelta(days=330)
    assert task.payload_item.expires_at > task.expires_at


def test_the_wait_that_is_measured_begins_when_the_task_is_due(world: World) -> None:
    task = world.submit(60)
    world.clock.advance(63)
    world.work(task)
    (started,) = (event for event in world.seen if event.name == "started")
    assert started.fields["waitMs"] == 3000


class TestTheSameKey:
    def test_a_repeated_delay_or_time_is_the_same_task(self, world: World) -> None:
        first = world.submit(600, key="k")
        world.clock.advance(5)
        assert world.submit(600, key="k").task_id == first.task_id
        at = EPOCH + timedelta(days=3)
        assert world.submit(key="t", at=at).task_id == world.submit(key="t", at=at).task_id

    @pytest.mark.parametrize(("first", "second"), [(600, 601), (None, 600), (600, None)])
    def test_with_another_time_is_a_conflict(self, world: World, first: float | None, second: float | None) -> None:
        world.submit(first, key="k")
        with pytest.raises(IdempotencyConflictError, match="another time"):
            world.submit(second, key="k")

    def test_a_repeated_submission_does_not_shorten_the_life_of_the_task(self, world: World) -> None:
        first = world.submit(300 * 86_400, key="k")
        world.clock.advance(3 * 86_400)
        assert world.submit(300 * 86_400, key="k").expires_at >= first.expires_at


class TestLongBackoff:
    def test_a_backoff_of_hours_keeps_no_message_in_flight(self, world: World) -> None:
        world.fails = True
        task = world.submit()
        assert world.work(task, RetryPolicy(7200, 86_400)) is True
        assert world.schedules.sent == [(Message(task.task_id), EPOCH + timedelta(hours=2))]
        waiting = world.store.get(task.task_id)
        assert waiting is not None
        assert waiting.status is Status.RETRYING
        assert waiting.expires_at == EPOCH + timedelta(hours=2) + RETENTION

    def test_a_backoff_of_minutes_stays_in_the_queue(self, world: World) -> None:
        world.fails = True
        assert world.work(world.submit(), RetryPolicy(600, 900)) is False
        assert world.schedules.sent == []

    def test_a_crash_after_the_outcome_is_written_makes_up_for_the_schedule(self, world: World) -> None:
        world.fails = True
        task = world.submit()
        world.work(task, RetryPolicy(7200, 86_400))
        world.schedules.sent.clear()
        assert world.work(task, RetryPolicy(7200, 86_400)) is True
        assert world.schedules.sent == [(Message(task.task_id), EPOCH + timedelta(hours=2))]
        assert len(world.runs) == 1

    def test_a_large_payload_lasts_as_long_as_the_backoffs(self, world: World) -> None:
        world.fails = True
        task = world.submit(text="x" * 2000)
        world.clock.advance(20 * 86_400)
        world.work(task, RetryPolicy(7200, 86_400))
        waiting = world.store.get(task.task_id)
        assert waiting is not None
        assert waiting.payload_item is not None
        assert waiting.payload_item.expires_at > world.clock() + RETENTION + timedelta(days=14)


class TestRescheduling:
    @pytest.mark.parametrize("due", [None, timedelta(seconds=30), timedelta(days=200)])
    def test_a_waiting_task_runs_at_its_new_time_only(self, world: World, due: timedelta | None) -> None:
        task = world.submit(7200)
        new = None if due is None else EPOCH + due
        after = world.rescheduler.reschedule(task, new)
        assert after is not None
        world.clock.now = (new or EPOCH) - timedelta(milliseconds=1)
        if new is not None:
            world.work(task)
            assert world.runs == []
        world.clock.now = new or EPOCH
        world.work(task)
        assert len(world.runs) == 1
        assert after.expires_at == (new or EPOCH) + RETENTION

    def test_a_message_for_the_new_time_is_sent_after_the_write(self, world: World) -> None:
        sent = world.delays()
        task = world.submit(7200)
        world.rescheduler.reschedule(task, EPOCH + timedelta(seconds=30))
        assert sent == [0, 30]

    def test_a_task_that_has_begun_meanwhile_is_not_touched(self, world: World) -> None:
        task = world.submit(5)
        world.clock.advance(5)
        world.work(task)
        assert world.rescheduler.reschedule(task, EPOCH + timedelta(hours=1)) is None
        ended = world.store.get(task.task_id)
        assert ended is not None
        assert ended.status is Status.COMPLETED


class TestOneTimeSchedules:
    @pytest.fixture
    def client(self) -> Iterator[Any]:
        with mock_aws():
            client = boto3.client("scheduler", region_name="us-east-1")
            client.create_schedule_group(Name="group")
            yield client

    def test_it_fires_two_minutes_early_is_deleted_then_and_carries_the_message(self, client: Any) -> None:
        message, due = Message("a" * 32, 3), EPOCH + timedelta(days=40)
        OneTimeSchedules(lambda: client, SETTINGS).send_at(message, due)
        made = client.get_schedule(GroupName="group", Name=schedule_name(message, due))
        assert made["ScheduleExpression"] == f"at({due - timedelta(minutes=2):%Y-%m-%dT%H:%M:%S})"
        assert made["ActionAfterCompletion"] == "DELETE"
        assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
        target = made["Target"]
        assert (target["Arn"], target["RoleArn"]) == (SETTINGS.queue_arn, SETTINGS.role_arn)
        assert target["Input"] == encode_message(message)
        assert target["DeadLetterConfig"] == {"Arn": SETTINGS.dead_letter_queue_arn}

    def test_made_twice_it_is_one(self, client: Any) -> None:
        for _ in range(2):
            OneTimeSchedules(lambda: client, SETTINGS).send_at(Message("a" * 32), EPOCH + timedelta(days=1))
        assert len(client.list_schedules(GroupName="group")["Schedules"]) == 1

    def test_another_time_or_epoch_is_another_schedule_and_the_name_is_allowed(self) -> None:
        due = EPOCH + timedelta(days=1)
        names = {
            schedule_name(Message("a" * 32), due),
            schedule_name(Message("a" * 32, 1), due),
            schedule_name(Message("a" * 32), due + timedelta(seconds=1)),
        }
        assert len(names) == 3
        assert len(schedule_name(Message("a" * 32, 10_000), due)) <= 64

    def test_its_parameters_are_those_of_the_service_and_a_refusal_is_raised(self) -> None:
        client: Any = botocore.session.get_session().create_client(
            "scheduler", region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        schedules = OneTimeSchedules(lambda: client, SETTINGS)
        with Stubber(client) as stub:
            # The stubber validates the request against botocore's model.
            stub.add_response("create_schedule", {"ScheduleArn": "arn:aws:scheduler:us-east-1:1:schedule/g/n"})
            schedules.send_at(Message("a" * 32, group="tenant"), EPOCH)
            stub.add_client_error("create_schedule", "ThrottlingException")
            with pytest.raises(client.exceptions.ThrottlingException):
                schedules.send_at(Message("a" * 32), EPOCH)
