"""One run: actors (clients, workers, operators) with the real core and adapters, over a cloud that may fail anywhere.

A run is decided by two lists: which faults strike which call, and, where several actors run at once, which of them
moves at each step. The same lists give the same run, so whatever is found can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ftask.core.cancellation import Canceller
from ftask.core.codec import message_or_none
from ftask.core.drain import drain_letters
from ftask.core.due import Due
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import (
    FtaskError,
    PermanentError,
    RetryAfter,
    TemporarilyUnavailableError,
    TimedOut,
    WorkerLost,
)
from ftask.core.events import Event
from ftask.core.execution import Executor
from ftask.core.firings import Firings
from ftask.core.letters import Verdict, judge
from ftask.core.model import EXPERIMENT_TYPE, DeadLetter, Delivery, Message, Removal, RemovalKind, Task
from ftask.core.one_time_schedules import OneTimeSchedules
from ftask.core.payload import Submission
from ftask.core.ports import DeadLetterReader, Handler, Job, Schedules, Store
from ftask.core.raised import recorded
from ftask.core.redrive import Redriver
from ftask.core.rescheduling import Rescheduler
from ftask.core.retry import RetryPolicy
from ftask.core.schedule_records import DynamoScheduleRecords
from ftask.core.settings import ScheduleSettings
from ftask.core.sqs import SqsDeadLetterReader, SqsQueue
from ftask.core.submission import Submitter
from ftask.core.threads import one_by_one
from ftask.core.workload import by_type
from ftask.tasks.worker import handler, retry_policies
from stack.handlers.worker import Outcome, run_batch
from tests.crash import own_tasks
from tests.crash.actors import Actor, Crash
from tests.crash.cloud import Cloud
from tests.crash.invariants import Witness
from tests.crash.wire import Fault, Wire

TIMEOUT_SECONDS = 20
ROLE = "arn:aws:iam::123456789012:role/scheduler"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:queue"
BUDGET = timedelta(seconds=10)
RETENTION = timedelta(days=30)
# A schedule that is not quiet after so many deliveries never will be.
MAX_DELIVERIES = 60
# How often somebody repeats what was interrupted; there are never so many faults.
TRIES = 5


Script = Mapping[tuple[int, int], object]


@dataclass
class Breakage:
    """A deliberate breakage of the protocol: parts of the product, replaced."""

    store: Callable[[DynamoStore], Store] = lambda store: store
    submitter: type[Submitter] = Submitter
    executor: type[Executor] = Executor
    firings: type[Firings] = Firings
    redriver: type[Redriver] = Redriver
    drain: Callable[..., Iterator[object]] = drain_letters
    schedules: Callable[[Schedules], Schedules | None] = lambda schedules: schedules
    # Whether a child process goes on when its worker dies.
    children_survive: bool = False
    edit: Callable[[str, dict[str, Any]], None] | None = None


@dataclass
class World:
    """One run."""

    cloud: Cloud
    faults: Mapping[int, Fault] = field(default_factory=dict)
    choices: Sequence[int] = ()
    breakage: Breakage = field(default_factory=Breakage)
    max_attempts: int = 2
    # How many visible messages the poller gives to a worker at once.
    batch: int = 1

    # How often no child process is free.
    busy_children: int = 0
    # Whether the deployed worker has the tasks of the user's own.
    knows_all_types: bool = True
    # How a batch makes its calls: one by one, or as actors in the order that `choices` names.
    calls_at_once: bool = False
    # What all payloads have besides their message.
    text: str = ""

    # What the handler does, by epoch and attempt: "ok" where nothing else is said.
    script: Script = field(default_factory=dict)
    # The same for tasks with this message in their payload.
    scripts: Mapping[str, Script] = field(default_factory=dict)
    # At each moment at which several actors could move: how many of them.
    options: list[int] = field(default_factory=list)
    drained: list[str] = field(default_factory=list)
    ended_at: datetime | None = None

    def __post_init__(self) -> None:
        self.cloud.empty()
        self.wire = self.cloud.wire = Wire(self.faults, self.breakage.edit, position=lambda: len(self.options))
        self.witness = Witness(self.cloud)
        self.clock = self.cloud.clock
        self.store = self.breakage.store(DynamoStore(lambda: self.cloud.product.dynamodb, self.cloud.product.table))
        product = self.cloud.product
        self.queue = SqsQueue(lambda: product.sqs, product.queue_url, self.clock)
        self.schedules = self.breakage.schedules(
            OneTimeSchedules(lambda: self.cloud.scheduler, ScheduleSettings("default", ROLE, QUEUE, QUEUE))
        )
        self.records = DynamoScheduleRecords(lambda: product.dynamodb, product.table)
        self.dead_letters = self.cloud.product.dead_letters
        self.box: DeadLetterReader = SqsDeadLetterReader(
            lambda: self.cloud.product.sqs, self.cloud.product.dead_letter_queue_url, wait_seconds=0
        )

    @property
    def violations(self) -> list[str]:
        return self.witness.violations

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """What happens in here is how the story begins: its calls are not counted, and nothing strikes them."""
        self.cloud.wire = None
        yield
        self.cloud.wire = self.wire

    # What actors do.

    def submit(
        self, message: str = "work", key: str | None = None, task_type: str | None = None, due: Due | None = None
    ) -> Task | None:
        """A client's request; the task if it was answered 202, None if the client got no good answer."""
        return self.submit_payload(self.payload(message), key, task_type, due)

    def submit_payload(
        self, payload: dict[str, Any], key: str | None, task_type: str | None, due: Due | None = None
    ) -> Task | None:
        """The same with any payload."""
        try:
            task = self._submitter().submit(Submission(payload, key, task_type, due=due))
        except (BotoCoreError, ClientError, TemporarilyUnavailableError, Crash):
            return None
        self.witness.accepted.add(task.task_id)
        self.witness.payloads.setdefault(task.task_id, payload)
        self.witness.look()
        return task

    def payload(self, message: str = "work") -> dict[str, Any]:
        return {"message": message, "text": self.text} if self.text else {"message": message}

    def submit_surely(self, key: str, message: str = "work") -> Task:
        """A client that repeats its request, with its key, until it is answered 202."""
        for _ in range(TRIES):
            task = self.submit(message, key)
            if task is not None:
                return task
        raise AssertionError("no submission was accepted, though there were fewer faults than tries")

    def submit_many(self, *keys: str | None) -> list[Task | FtaskError] | None:
        """A client's batch, one task a key; None if the client got no good answer."""
        return self.submit_batch([Submission(self.payload(), key) for key in keys])

    def submit_batch(
        self, batch: Sequence[Submission], deadline: datetime | None = None
    ) -> list[Task | FtaskError] | None:
        """The same with any tasks, in a function that is killed at the `deadline`."""
        try:
            answers = self._submitter().submit_many(batch, deadline)
        except (BotoCoreError, ClientError, TemporarilyUnavailableError, Crash):
            return None
        for submission, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Task):
                self.witness.accepted.add(answer.task_id)
                self.witness.payloads.setdefault(answer.task_id, submission.payload)
        self.witness.look()
        return answers

    def submit_many_surely(self, *keys: str) -> None:
        """A client that repeats its batch until each task of it was answered 202."""
        for _ in range(TRIES):
            answers = self.submit_many(*keys)
            if answers is not None and all(isinstance(answer, Task) for answer in answers):
                return
        raise AssertionError("no batch was accepted, though there were fewer faults than tries")

    def work(self, *deliveries: Delivery) -> None:
        """One invocation of the worker, in one process, and what Lambda then does with its answer."""
        deadline = self.clock() + timedelta(seconds=TIMEOUT_SECONDS)
        executor = self.breakage.executor(
            store=self.store,
            queue=self.queue,
            dead_letters=self.dead_letters,
            handler=self._handler(),
            clock=self.clock,
            rng=Random(1),
            policy=RetryPolicy(),
            budget=BUDGET,
            retention=RETENTION,
            observe=_nobody,
            policies=retry_policies(own_tasks.REGISTRY, RetryPolicy()),
            isolation=self,
            types=None if self.knows_all_types else (EXPERIMENT_TYPE,),
            schedules=self.schedules,
            firings=self.firings(),
        )
        unwritten: list[Delivery] = []

        def attempt(received: Delivery) -> bool:
            before = self.witness.starts(received)
            try:
                return executor.execute(received, deadline, beside=len(deliveries) - 1)
            except (BotoCoreError, ClientError):
                if self.witness.starts(received) > before:
                    unwritten.append(received)
                raise

        def in_one_process(function: Callable[[Delivery], Outcome], batch: list[Delivery]) -> list[Outcome]:
            def died() -> None:
                self.witness.lost_together([delivery for delivery in batch if delivery not in unwritten])

            return self._in_threads(function, batch, died)

        try:
            answer = run_batch(attempt, list(deliveries), in_one_process)
        except (BotoCoreError, ClientError, Crash):
            return
        finally:
            if len(deliveries) > 1:
                # Whoever finds such an attempt cannot know that its process goes on.
                self.witness.lost_together(unwritten)
        left = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for delivery in deliveries:
            if delivery.message_id not in left:
                self.cloud.acknowledge(delivery)

    def firings(self) -> Firings:
        types = {declaration.name: declaration.type for declaration in own_tasks.REGISTRY}
        return self.breakage.firings(self.store, self.records, self.clock, types, self.max_attempts, RETENTION)

    def redrive(self) -> bool:
        """An operator redrives everything; False if the command was interrupted."""
        redriver = self.breakage.redriver(self.store, self.queue, self.clock, RETENTION)
        return _to_its_end(lambda: list(redriver.redrive_letters(self.box)))

    def redrive_surely(self) -> None:
        """An operator who repeats the command until it has run to its end."""
        self._surely(self.redrive)

    def drain(self) -> bool:
        """An operator drains everything into a file; False if the command was interrupted."""

        def write(letters: Sequence[tuple[DeadLetter, Task | None]]) -> None:
            tasks = self.cloud.tasks()
            for letter, _ in letters:
                self.drained.append(letter.body)
                message = message_or_none(letter.body)
                task = None if message is None else tasks.get(message.task_id)
                if task is not None and judge(message, task) is not Verdict.CURRENT:
                    self.violations.append(f"drained the letter of a task that is {task.status}")

        drained = self._removal(RemovalKind.DRAINED)
        return _to_its_end(lambda: list(self.breakage.drain(self.store, self.box, write, drained)))

    def drain_surely(self) -> None:
        self._surely(self.drain)

    def discard(self) -> bool:
        """An operator discards every failed task; False if the command was interrupted."""
        discarded = self._removal(RemovalKind.DISCARDED)
        done = _to_its_end(lambda: list(self.breakage.drain(self.store, self.box, lambda _: None, discarded)))
        self.witness.look()
        return done

    def discard_surely(self) -> None:
        self._surely(self.discard)

    def redrive_named(self, task: Task) -> bool:
        """An operator redrives one task by its id; False if the command was interrupted."""
        redriver = self.breakage.redriver(self.store, self.queue, self.clock, RETENTION)
        letter = Message(task.task_id, task.epoch)
        return _to_its_end(lambda: redriver.redrive([letter], also_removed=True))

    def cancel(self, task_id: str) -> bool:
        """An operator cancels a task; False if the command was interrupted."""
        canceller = Canceller(self.store, self.clock, RETENTION)
        done = _to_its_end(lambda: canceller.cancel(task_id))
        self.witness.look()
        return done

    def reschedule(self, task_id: str, due: datetime | None) -> bool:
        """An operator changes when a task runs; False if the command was interrupted or the task did not wait."""
        rescheduler = Rescheduler(self.store, self.queue, self.clock, RETENTION)
        done: list[bool] = []

        def command() -> None:
            task = self.store.get(task_id)
            waiting = task if task is not None and task.status.waiting else None
            done.append(waiting is not None and rescheduler.reschedule(waiting, due) is not None)

        return _to_its_end(command) and all(done)

    def repair(self) -> None:
        """`ftask doctor --fix`, undisturbed: a message for every task that waits and is overdue."""
        with self.undisturbed():
            for task in self.cloud.tasks().values():
                if task.status.waiting and (task.next_attempt_at or task.updated_at) <= self.clock():
                    self.queue.send(task.message)

    def cancel_surely(self, task_id: str) -> None:
        self._surely(lambda: self.cancel(task_id))

    # What the environment does.

    def pass_seconds(self, seconds: float) -> None:
        self.clock.advance(seconds)

    def pass_days(self, days: float) -> None:
        """Time passes, and DynamoDB deletes what has expired."""
        self.clock.advance(days * 86_400)
        self.cloud.expire()

    def pump(self) -> None:
        """The poller looks once, as an actor: others may move before it does."""
        Actor.pause_current()
        delivery = self.cloud.receive()
        if delivery is not None:
            self.work(delivery)

    def send_raw(self, body: str) -> None:
        """Somebody, or SQS itself, puts a message into the main queue (a duplicate, a foreign one)."""
        self.cloud.aws.sqs.send_message(QueueUrl=self.cloud.aws.queue_url, MessageBody=body)

    def until_quiet(self, deliveries: int = MAX_DELIVERIES) -> None:
        """Deliver, and let time pass, until the main queue is empty."""
        for _ in range(deliveries):
            batch = [delivery for _ in range(self.batch) if (delivery := self.cloud.receive()) is not None]
            if batch:
                self.work(*batch)
                self.witness.look()
                continue
            moment, firing = self.cloud.next_visible(), self.cloud.next_schedule()
            if firing is not None and (moment is None or firing <= moment):
                self.clock.now = max(self.clock.now, firing)
                self.send_raw(self.cloud.fire())
                continue
            if moment is None:
                return
            self.clock.now = max(self.clock.now, moment) + timedelta(milliseconds=1)
        self.violations.append(f"not quiet after {deliveries} deliveries")

    def at_once(self, *bodies: Callable[[], object]) -> None:
        """Run several actors, one call at a time, in the order that `choices` names."""
        actors = [Actor(body) for body in bodies]
        while runnable := [actor for actor in actors if not actor.done]:
            self._next_of(runnable).step()
            self.witness.look()

    def item(self, task_id: str) -> Task | None:
        """The task as it is now."""
        return self.cloud.tasks().get(task_id)

    def check(self) -> None:
        """The invariants, once everything is quiet."""
        self.ended_at = self.clock()
        self.witness.check([*self.cloud.letters(), *self.drained])

    def _next_of(self, runnable: Sequence[Actor]) -> Actor:
        if len(runnable) == 1:
            return runnable[0]
        position = len(self.options)
        self.options.append(len(runnable))
        return runnable[self.choices[position] if position < len(self.choices) else 0]

    def _in_threads(
        self, function: Callable[[Any], Any], items: Sequence[Any], died: Callable[[], None] = lambda: None
    ) -> list[Any]:
        """Threads of one process. Where one crashes, the process dies, and all of them with it."""
        if len(items) < 2:
            return [function(item) for item in items]
        results: dict[int, Any] = {}

        def note(number: int) -> None:
            results[number] = function(items[number])

        actors = [Actor(partial(note, number)) for number in range(len(items))]
        # Threads run beside each other: the one that has waited longest is the first choice.
        waiting = list(actors)
        while waiting := [actor for actor in waiting if not actor.done]:
            actor = self._next_of(waiting)
            waiting.remove(actor)
            waiting.append(actor)
            actor.step()
            self.witness.look()
            if any(actor.crashed for actor in actors):
                died()
                for actor in actors:
                    actor.kill()
                raise Crash("beside others")
        return [results[number] for number in range(len(items))]

    def _removal(self, kind: RemovalKind) -> Callable[[], Removal]:
        return lambda: Removal(kind, self.clock(), "an operator")

    def _submitter(self) -> Submitter:
        return self.breakage.submitter(
            self.store,
            self.queue,
            self.clock,
            self.max_attempts,
            RETENTION,
            own_tasks.MANIFEST,
            call_map=self._in_threads if self.calls_at_once else one_by_one,
        )

    def _handler(self) -> Handler:
        work = self._work()

        def handle(job: Job) -> object:
            with self.witness.run(job):
                self._check_time(job)
                # Another actor may move while the handler works.
                Actor.pause_current()
                return work(job)

        return handle

    @contextmanager
    def child(self, until: datetime) -> Iterator[Handler | None]:
        """A child process of the worker: its death is not the worker's, and the worker's is its own."""
        if self.busy_children or self.clock() > until:
            self.busy_children = max(0, self.busy_children - 1)
            yield None
            return
        work = self._work()

        def handle(job: Job) -> object:
            with self.witness.run(job, survives=self.breakage.children_survive):
                self._check_time(job)
                Actor.pause_current()
                if self.act_of(job) == "die":
                    raise WorkerLost("as the script says")
                if self.act_of(job) == "hang":
                    self.pass_seconds(TIMEOUT_SECONDS - 1)
                    raise TimedOut("as the script says")
                try:
                    return work(job)
                except Exception as error:
                    raise recorded(error) from error

        yield handle

    def _work(self) -> Handler:
        return by_type(self.act, handler(own_tasks.REGISTRY, _nobody, self.clock))

    def _check_time(self, job: Job) -> None:
        if job.deadline - self.clock() < BUDGET:
            self.violations.append("an attempt runs with less time than it is promised")

    def act_of(self, job: Job) -> object:
        """What the script says of a `job`."""
        script = self.scripts.get(str(job.payload.get("message")), self.script)
        return script.get((job.epoch, job.attempt), "ok")

    def act(self, job: Job) -> object:
        """What the handler does with a `job` of the experiment."""
        act = self.act_of(job)
        if act == "fail":
            raise ValueError("as the script says")
        if act == "later":
            raise RetryAfter(7200)
        if act == "permanent":
            raise PermanentError("as the script says")
        if act in ("die", "kill the worker"):
            raise Crash("in the handler")
        if act == "hang":
            self.pass_seconds(TIMEOUT_SECONDS)
            raise Crash("killed by Lambda at its timeout")
        if callable(act):
            act()
        return {"did": job.attempt}

    def _surely(self, command: Callable[[], bool]) -> None:
        for _ in range(TRIES):
            if command():
                return
            # What an interrupted command held is visible again after this.
            self.pass_seconds(SqsDeadLetterReader.VISIBILITY_SECONDS + 1)
        raise AssertionError("no command ended, though there were fewer faults than tries")


def _nobody(event: Event) -> None:
    """Nobody listens."""


def _to_its_end(command: Callable[[], object]) -> bool:
    try:
        command()
    except (BotoCoreError, ClientError, Crash):
        return False
    return True
