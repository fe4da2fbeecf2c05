"""One run: actors (clients, workers, operators) with the real core and adapters, over a cloud that may fail anywhere.

A run is decided by two lists: which faults strike which call, and, where several actors run at once, which of them
moves at each step. The same lists give the same run, so whatever is found can be replayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from ftask.core.cancellation import Canceller
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import FtaskError, PermanentError
from ftask.core.events import Event
from ftask.core.execution import Executor
from ftask.core.model import DeadLetter, Delivery, Task
from ftask.core.payload import Submission
from ftask.core.ports import DeadLetterReader, Handler, Job, Store
from ftask.core.redrive import Redriver, drain_letters
from ftask.core.retry import RetryPolicy
from ftask.core.sqs import SqsDeadLetterReader
from ftask.core.submission import Submitter
from ftask.core.workload import by_type
from ftask.tasks.worker import handler, retry_policies
from stack.handlers.worker import run_batch
from tests.crash import own_tasks
from tests.crash.actors import Actor, Crash
from tests.crash.cloud import Cloud
from tests.crash.invariants import Witness
from tests.crash.wire import Fault, Wire

TIMEOUT_SECONDS = 20
RETENTION = timedelta(days=30)
# A schedule that is not quiet after so many deliveries never will be.
MAX_DELIVERIES = 60
# How often somebody repeats what was interrupted; there are never so many faults.
TRIES = 5


@dataclass
class Breakage:
    """A deliberate breakage of the protocol: parts of the product, replaced."""

    store: Callable[[DynamoStore], Store] = lambda store: store
    submitter: type[Submitter] = Submitter
    executor: type[Executor] = Executor
    redriver: type[Redriver] = Redriver
    drain: Callable[..., Iterator[int]] = drain_letters
    edit: Callable[[str, dict[str, Any]], None] | None = None


@dataclass
class World:
    """One run."""

    cloud: Cloud
    faults: Mapping[int, Fault] = field(default_factory=dict)
    choices: Sequence[int] = ()
    breakage: Breakage = field(default_factory=Breakage)
    max_attempts: int = 2

    # What the handler does, by epoch and attempt: "ok" where nothing else is said.
    script: Mapping[tuple[int, int], object] = field(default_factory=dict)
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
        self.queue = self.cloud.product.queue
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

    def submit(self, message: str = "work", key: str | None = None, task_type: str | None = None) -> Task | None:
        """A client's request; the task if it was answered 202, None if the client got no good answer."""
        return self.submit_payload({"message": message}, key, task_type)

    def submit_payload(self, payload: dict[str, Any], key: str | None, task_type: str | None) -> Task | None:
        """The same with any payload."""
        try:
            task = self._submitter().submit(Submission(payload, key, task_type))
        except (BotoCoreError, ClientError, Crash):
            return None
        self.witness.accepted.add(task.task_id)
        self.witness.look()
        return task

    def submit_surely(self, key: str) -> Task:
        """A client that repeats its request, with its key, until it is answered 202."""
        for _ in range(TRIES):
            task = self.submit(key=key)
            if task is not None:
                return task
        raise AssertionError("no submission was accepted, though there were fewer faults than tries")

    def submit_many(self, *keys: str | None) -> list[Task | FtaskError] | None:
        """A client's batch, one task a key; None if the client got no good answer."""
        try:
            answers = self._submitter().submit_many([Submission({"message": "work"}, key) for key in keys])
        except (BotoCoreError, ClientError, Crash):
            return None
        self.witness.accepted |= {answer.task_id for answer in answers if isinstance(answer, Task)}
        self.witness.look()
        return answers

    def submit_many_surely(self, *keys: str) -> None:
        """A client that repeats its batch until each task of it was answered 202."""
        for _ in range(TRIES):
            answers = self.submit_many(*keys)
            if answers is not None and all(isinstance(answer, Task) for answer in answers):
                return
        raise AssertionError("no batch was accepted, though there were fewer faults than tries")

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
            observe=_nobody,
            policies=retry_policies(own_tasks.REGISTRY, RetryPolicy()),
        )
        try:
            answer = run_batch(lambda received: executor.execute(received, deadline), [delivery])
        except (BotoCoreError, ClientError, Crash):
            return
        if not answer["batchItemFailures"]:
            self.cloud.acknowledge(delivery)

    def redrive(self) -> bool:
        """An operator redrives everything; False if the command was interrupted."""
        redriver = self.breakage.redriver(self.store, self.queue, self.clock, RETENTION)
        return _to_its_end(lambda: list(redriver.redrive_letters(self.box)))

    def redrive_surely(self) -> None:
        """An operator who repeats the command until it has run to its end."""
        self._surely(self.redrive)

    def drain(self) -> bool:
        """An operator drains everything into a file; False if the command was interrupted."""

        def write(letters: Sequence[DeadLetter]) -> None:
            self.drained += [letter.body for letter in letters]

        return _to_its_end(lambda: list(self.breakage.drain(self.box, write)))

    def drain_surely(self) -> None:
        self._surely(self.drain)

    def cancel(self, task_id: str) -> bool:
        """An operator cancels a task; False if the command was interrupted."""
        canceller = Canceller(self.store, self.clock, RETENTION)
        done = _to_its_end(lambda: canceller.cancel(task_id))
        self.witness.look()
        return done

    def cancel_surely(self, task_id: str) -> None:
        self._surely(lambda: self.cancel(task_id))

    # What the environment does.

    def pass_seconds(self, seconds: float) -> None:
        self.clock.advance(seconds)

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
            delivery = self.cloud.receive()
            if delivery is not None:
                self.work(delivery)
                self.witness.look()
                continue
            moment = self.cloud.next_visible()
            if moment is None:
                return
            self.clock.now = max(self.clock.now, moment) + timedelta(milliseconds=1)
        self.violations.append(f"not quiet after {deliveries} deliveries")

    def at_once(self, *bodies: Callable[[], object]) -> None:
        """Run several actors, one call at a time, in the order that `choices` names."""
        actors = [Actor(body) for body in bodies]
        while runnable := [actor for actor in actors if not actor.done]:
            choice = 0
            if len(runnable) > 1:
                position = len(self.options)
                self.options.append(len(runnable))
                choice = self.choices[position] if position < len(self.choices) else 0
            runnable[choice].step()
            self.witness.look()

    def item(self, task_id: str) -> Task | None:
        """The task as it is now."""
        return self.cloud.tasks().get(task_id)

    def check(self) -> None:
        """The invariants, once everything is quiet."""
        self.ended_at = self.clock()
        self.witness.check([*self.cloud.letters(), *self.drained])

    def _submitter(self) -> Submitter:
        return self.breakage.submitter(
            self.store, self.queue, self.clock, self.max_attempts, RETENTION, own_tasks.MANIFEST
        )

    def _handler(self) -> Handler:
        work = by_type(self.act, handler(own_tasks.REGISTRY, _nobody, self.clock))

        def handle(job: Job) -> object:
            with self.witness.run(job):
                # Another actor may move while the handler works.
                Actor.pause_current()
                return work(job)

        return handle

    def act(self, job: Job) -> object:
        """What the handler does with a `job` of the experiment."""
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
