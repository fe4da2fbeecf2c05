"""A small AWS that may be crashed at any call: the real core and adapters over moto, with time that stands still.

Every actor (a client, a worker, an operator) makes its AWS calls through clients that count them. A run is decided by
two lists: which faults strike at which call, and, where several actors run at once, which of them moves at each step.
The same lists give the same run, so whatever is found can be replayed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from types import SimpleNamespace
from typing import Any

import boto3
import moto.sqs.models
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ReadTimeoutError
from moto import mock_aws
from moto.backends import get_backend
from moto.core.base_backend import BackendDict
from moto.dynamodb.models.dynamo_type import DynamoType

from ftask.core.codec import MalformedMessageError, UnknownVersionError, decode_message, item_to_task
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import PermanentError
from ftask.core.execution import Executor
from ftask.core.model import Delivery, Letter, Message, Status, Task
from ftask.core.ports import Handler, Job, LetterBox, Store
from ftask.core.redrive import Redriver, drain_letters
from ftask.core.retry import RetryPolicy
from ftask.core.sqs import SqsDeadLetters, SqsLetterBox
from ftask.core.submission import Submitter
from stack.handlers.worker import run_batch
from tests.support import resources
from tests.support.clock import FakeClock

TIMEOUT_SECONDS = 20
RETENTION = timedelta(days=30)
REGION = "us-east-1"
# A schedule that is not quiet after so many deliveries never will be.
MAX_DELIVERIES = 60


class Crash(BaseException):
    """The process of an actor dies here. No `except Exception` of the product may hold it."""


class Fault(StrEnum):
    """What may happen to a call."""

    DIE_BEFORE = "die before the call"
    DIE_AFTER = "die after AWS applied it"
    THROTTLE = "throttled"
    FAIL_AFTER = "AWS applied it, the caller gets an error"
    LOSE_ANSWER = "answer lost, sent again by the SDK"


@dataclass
class Run:
    """What happened at one run of the handler."""

    task_id: str
    epoch: int
    attempt: int


@dataclass
class Breakage:
    """A deliberate breakage of the protocol: parts of the product, replaced."""

    store: Callable[[DynamoStore], Store] = lambda store: store
    submitter: type[Submitter] = Submitter
    executor: type[Executor] = Executor
    redriver: type[Redriver] = Redriver
    drain: Callable[..., Iterator[int]] = drain_letters
    edit: Callable[[str, dict[str, Any]], None] | None = None


class Cloud:
    """moto, its time, and clients that stop at every call. Made once; emptied for each run."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.world: World | None = None
        session = boto3.Session("a", "b", region_name=REGION)
        config = Config(retries={"mode": "standard", "total_max_attempts": 2})
        # What the product calls through, and what the test itself looks and acts through.
        self.product = resources.create(session.client("dynamodb", config=config), session.client("sqs", config=config))
        self.aws = replace(self.product, dynamodb=session.client("dynamodb"), sqs=session.client("sqs"))
        for client in (self.product.dynamodb, self.product.sqs):
            events = client.meta.events
            events.register_first("before-parameter-build.*.*", self._edit)
            events.register_first("before-call.*.*", self._before)
            events.register_first("after-call.*.*", self._after)
            events.register_first("needs-retry.*.*", self._lost)

    def seconds(self) -> float:
        """The virtual time, for moto."""
        return self.clock.now.timestamp()

    def empty(self) -> None:
        self.clock.now = FakeClock().now
        self._queue(self.product.queue_url)._messages.clear()
        self._queue(self.product.dead_letter_queue_url)._messages.clear()
        self._table().items.clear()

    def next_visible(self) -> datetime | None:
        """When the next message of the main queue may be received; None if it holds none."""
        messages = self._queue(self.product.queue_url)._messages
        moments = [max(message.visible_at, message.delayed_until) for message in messages]
        return datetime.fromtimestamp(min(moments) / 1000, self.clock.now.tzinfo) if moments else None

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
        return {task.task_id: task for task in (item_to_task(_plain(item.attrs)) for item in items)}

    def letters(self) -> list[str]:
        """The bodies of all dead letters."""
        return [message.body for message in self._queue(self.product.dead_letter_queue_url)._messages]

    def _queue(self, url: str) -> Any:
        return _backend("sqs").queues[url.rpartition("/")[2]]

    def _table(self) -> Any:
        return _backend("dynamodb").tables[self.product.table]

    def _edit(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if self.world is not None and self.world.breakage.edit is not None:
            self.world.breakage.edit(model.name, params)

    def _before(self, model: Any, context: dict[str, Any], **_: Any) -> Any:
        return self.world.before_call(model.name, context) if self.world else None

    def _after(self, context: dict[str, Any], **_: Any) -> None:
        if self.world:
            self.world.after_call(context)

    def _lost(self, request_dict: dict[str, Any], caught_exception: Any, response: Any, **_: Any) -> Any:
        return self.world.answered(request_dict["context"]) if self.world and caught_exception is None else None


def _plain(value: Any) -> Any:
    """moto's own values as DynamoDB's JSON."""
    if isinstance(value, DynamoType):
        return {value.type: _plain(value.value)}
    if isinstance(value, Mapping):
        return {name: _plain(child) for name, child in value.items()}
    return [_plain(child) for child in value] if isinstance(value, list) else value


def _backend(service: str) -> Any:
    backends: BackendDict[Any] = get_backend(service)  # type: ignore[call-overload]  # one of two literals
    return backends["123456789012"][REGION]


@contextmanager
def cloud() -> Iterator[Cloud]:
    """moto under a clock that only tests move."""
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        made = Cloud()
        patch.setattr(moto.sqs.models, "unix_time_millis", lambda *_: made.seconds() * 1000)
        patch.setattr(moto.sqs.models, "unix_time", lambda *_: made.seconds())
        yield made


class Actor:
    """A body of code that stops before each of its AWS calls until the scheduler lets it go on."""

    current = threading.local()

    def __init__(self, name: str, body: Callable[[], None]) -> None:
        self.name = name
        self.done = False
        self.error: BaseException | None = None
        self._body = body
        self._go = threading.Semaphore(0)
        self._stopped = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._main, daemon=True)
        self._thread.start()

    def step(self) -> None:
        """Let it go on to its next call, or to its end."""
        self._go.release()
        self._stopped.acquire()
        if self.error is not None:
            raise self.error

    def pause(self) -> None:
        self._stopped.release()
        self._go.acquire()

    def _main(self) -> None:
        self._go.acquire()
        Actor.current.actor = self
        try:
            self._body()
        except Exception as error:  # noqa: BLE001 - raised again where the scheduler stands
            self.error = error
        finally:
            self.done = True
            self._stopped.release()


@dataclass
class World:
    """One run."""

    cloud: Cloud
    faults: Mapping[int, Fault] = field(default_factory=dict)
    choices: Sequence[int] = ()
    breakage: Breakage = field(default_factory=Breakage)
    max_attempts: int = 2

    calls: list[str] = field(default_factory=list)
    chosen_before: list[int] = field(default_factory=list)
    fired: set[int] = field(default_factory=set)
    options: list[int] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    runs: list[Run] = field(default_factory=list)
    running: set[tuple[str, int, int]] = field(default_factory=set)
    drained: list[str] = field(default_factory=list)
    script: dict[tuple[int, int], Any] = field(default_factory=dict)
    redrives: int = 0
    may_overlap: bool = False
    may_be_declared_lost: bool = False
    ended_at: datetime | None = None
    _last_seen: dict[str, Task] = field(default_factory=dict)
    _ids: int = 0

    def __post_init__(self) -> None:
        self.cloud.empty()
        self.cloud.world = self
        self.clock = self.cloud.clock
        self.store = self.breakage.store(DynamoStore(lambda: self.cloud.product.dynamodb, self.cloud.product.table))
        self.queue = self.cloud.product.queue
        self.dead_letters: SqsDeadLetters = self.cloud.product.dead_letters
        self.box: LetterBox = SqsLetterBox(
            lambda: self.cloud.product.sqs, self.cloud.product.dead_letter_queue_url, wait_seconds=0
        )

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What happens in here is how the story begins: its calls are not counted, and nothing strikes them."""
        self.cloud.world = None
        yield
        self.cloud.world = self

    # What the calls pass through.

    def before_call(self, operation: str, context: dict[str, Any]) -> Any:
        actor = getattr(Actor.current, "actor", None)
        if actor is not None:
            actor.pause()
        index = len(self.calls)
        self.calls.append(operation)
        self.chosen_before.append(len(self.options))
        context["ftask_call"] = index
        fault = self.faults.get(index)
        if fault is Fault.DIE_BEFORE:
            self.fired.add(index)
            raise Crash(f"before call {index}, {operation}")
        if fault is Fault.THROTTLE:
            self.fired.add(index)
            error = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}, "ResponseMetadata": {}}
            return SimpleNamespace(status_code=400), error
        return None

    def after_call(self, context: dict[str, Any]) -> None:
        index = context["ftask_call"]
        if self.faults.get(index) is Fault.DIE_AFTER:
            self.fired.add(index)
            raise Crash(f"after call {index}, {self.calls[index]}")
        if self.faults.get(index) is Fault.FAIL_AFTER:
            self.fired.add(index)
            raise ReadTimeoutError(endpoint_url="https://aws")

    def answered(self, context: dict[str, Any]) -> int | None:
        index = context["ftask_call"]
        if self.faults.get(index) is Fault.LOSE_ANSWER and index not in self.fired:
            self.fired.add(index)
            return 0  # seconds to wait before the SDK sends the same request again
        return None

    # What actors do.

    def submit(self, message: str = "work", key: str | None = None) -> Task | None:
        """A client's request; the task if it was answered 202, None if the client got no good answer."""
        submitter = self.breakage.submitter(self.store, self.queue, self.clock, self.max_attempts, RETENTION)
        try:
            task = submitter.submit({"message": message}, key)
        except (BotoCoreError, ClientError, Crash):
            return None
        self.accepted.add(task.task_id)
        self.look()
        return task

    def submit_surely(self, key: str) -> Task:
        """A client that repeats its request, with its key, until it is answered 202."""
        for _ in range(5):
            task = self.submit(key=key)
            if task is not None:
                return task
        raise AssertionError("no submission was accepted, though there were fewer faults than tries")

    def work(self, delivery: Delivery) -> None:
        """One invocation of the worker, and what Lambda then does with its answer."""
        deadline = self.clock() + timedelta(seconds=TIMEOUT_SECONDS)
        executor = self.breakage.executor(
            store=self.store,
            queue=self.queue,
            dead_letters=self.dead_letters,
            handler=self._handler(),
            clock=self.clock,
            rng=Random(1),
            policy=RetryPolicy(),
            budget=timedelta(seconds=10),
            retention=RETENTION,
            observe=lambda *_, **__: None,
        )
        try:
            answer = run_batch(executor, [delivery], deadline)
        except (BotoCoreError, ClientError, Crash):
            return
        if not answer["batchItemFailures"]:
            self.cloud.acknowledge(delivery)

    def redrive(self) -> bool:
        """An operator redrives everything; False if the command was interrupted."""
        redriver = self.breakage.redriver(self.store, self.queue, self.clock, RETENTION)
        try:
            for _ in redriver.redrive_letters(self.box):
                pass
        except (BotoCoreError, ClientError, Crash):
            return False
        finally:
            self.redrives += 1
        return True

    def drain(self) -> bool:
        """An operator drains everything into a file; False if the command was interrupted."""

        def write(letters: Sequence[Letter]) -> None:
            self.drained += [letter.body for letter in letters]

        try:
            for _ in self.breakage.drain(self.box, write):
                pass
        except (BotoCoreError, ClientError, Crash):
            return False
        return True

    def pass_seconds(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def redrive_surely(self) -> None:
        """An operator who repeats the command until it has run to its end."""
        for _ in range(5):
            if self.redrive():
                return
            # What an interrupted command held is visible again after this.
            self.pass_seconds(SqsLetterBox.VISIBILITY_SECONDS + 1)
        raise AssertionError("no redrive ended, though there were fewer faults than tries")

    # What the environment does.

    def pump(self) -> None:
        """The poller looks once, as an actor: others may move before it does."""
        Actor.current.actor.pause()
        delivery = self.receive()
        if delivery is not None:
            self.work(delivery)

    def receive(self) -> Delivery | None:
        """The poller takes one message, if one is visible."""
        return self.cloud.receive()

    def send_raw(self, body: str) -> None:
        """Somebody, or SQS itself, puts a message into the main queue (a duplicate, a foreign one)."""
        self.cloud.aws.sqs.send_message(QueueUrl=self.cloud.aws.queue_url, MessageBody=body)

    def until_quiet(self) -> None:
        """Deliver, and let time pass, until the main queue is empty."""
        for _ in range(MAX_DELIVERIES):
            delivery = self.receive()
            if delivery is not None:
                self.work(delivery)
                self.look()
                continue
            moment = self.cloud.next_visible()
            if moment is None:
                return
            self.clock.now = max(self.clock.now, moment) + timedelta(milliseconds=1)
        self.violations.append(f"not quiet after {MAX_DELIVERIES} deliveries")

    def at_once(self, *bodies: Callable[[], object]) -> None:
        """Run several actors, one call at a time, in the order that `choices` names."""
        actors = [Actor(str(number), _ignoring_crash(body)) for number, body in enumerate(bodies)]
        while runnable := [actor for actor in actors if not actor.done]:
            choice = 0
            if len(runnable) > 1:
                position = len(self.options)
                self.options.append(len(runnable))
                choice = self.choices[position] if position < len(self.choices) else 0
            runnable[choice].step()
            self.look()

    # What must hold.

    def _handler(self) -> Handler:
        def handle(job: Job) -> object:
            self._check_may_run(job)
            run = (job.task_id, job.epoch, job.attempt)
            self.running.add(run)
            self.runs.append(Run(*run))
            try:
                return self._act(job)
            finally:
                self.running.discard(run)

        return handle

    def _act(self, job: Job) -> object:
        # Another actor may move while the handler works.
        actor = getattr(Actor.current, "actor", None)
        if actor is not None:
            actor.pause()
        act = self.script.get((job.epoch, job.attempt), "ok")
        if act == "fail":
            raise ValueError("as the script says")
        if act == "permanent":
            raise PermanentError("as the script says")
        if act == "die":
            raise Crash("in the handler")
        if act == "hang":
            self.pass_seconds(TIMEOUT_SECONDS)
            raise Crash("killed by Lambda at its timeout")
        if callable(act):
            act()
        return {"did": job.attempt}

    def _check_may_run(self, job: Job) -> None:
        starts = sum(1 for run in self.runs if (run.task_id, run.epoch) == (job.task_id, job.epoch))
        if starts >= job.max_attempts:
            self.violations.append(f"runs more than {job.max_attempts} times in epoch {job.epoch}")
        if not self.may_overlap and any(task_id == job.task_id for task_id, _, _ in self.running):
            self.violations.append("runs twice at once")
        task = self.item(job.task_id)
        if task is None or task.status is not Status.PROCESSING:
            self.violations.append(f"runs while {task.status if task else 'not in the table'}")
            return
        for attempt in task.history[:-1]:
            if attempt.epoch != job.epoch or attempt.ended_at is None:
                continue
            if self.clock() < attempt.ended_at + timedelta(seconds=attempt.backoff_seconds or 0):
                self.violations.append("runs before its backoff is over")

    def item(self, task_id: str) -> Task | None:
        """The task as it is now."""
        return self.cloud.tasks().get(task_id)

    def look(self) -> None:
        """Compare each known task with what it was: a terminal state changes only by a redrive."""
        tasks = self.cloud.tasks()
        for task_id in self.accepted:
            now, before = tasks.get(task_id), self._last_seen.get(task_id)
            if before is not None and before.status.terminal:
                redriven = now is not None and before.status is Status.FAILED and now.epoch == before.epoch + 1
                if now != before and not redriven:
                    self.violations.append(f"{before.status} changed to {now.status if now else 'nothing'}")
            if now is not None:
                if (
                    now.status.terminal
                    and not self.may_be_declared_lost
                    and any(
                        running[:2] == (task_id, now.epoch) and running[2] >= now.attempts for running in self.running
                    )
                ):
                    self.violations.append(f"ended {now.status} while its last attempt runs")
                self._last_seen[task_id] = now

    def check(self) -> None:
        """The invariants, once everything is quiet."""
        self.ended_at = self.clock()
        self.look()
        failed_letters = {_identity(body) for body in [*self.cloud.letters(), *self.drained]}
        for task_id in self.accepted:
            task = self.item(task_id)
            if task is None:
                self.violations.append("an accepted task is gone")
            elif not task.status.terminal:
                self.violations.append(f"an accepted task is stuck in {task.status}")
        tasks = self.cloud.tasks()
        if any(run.task_id not in tasks for run in self.runs):
            self.violations.append("a task that ran is gone")
        for task in tasks.values():
            if task.status is Status.FAILED and (task.task_id, task.epoch) not in failed_letters:
                self.violations.append("a failed task has no dead letter")

    @property
    def missed(self) -> set[int]:
        """Faults that were ordered and never struck."""
        return set(self.faults) - self.fired


def _ignoring_crash(body: Callable[[], object]) -> Callable[[], None]:
    def run() -> None:
        with suppress(Crash):
            body()

    return run


def _identity(body: str) -> tuple[str, int] | None:
    try:
        message: Message = decode_message(body)
    except (MalformedMessageError, UnknownVersionError):
        return None
    return message.task_id, message.epoch
