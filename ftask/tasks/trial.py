"""One task from its submission to its end, in this process: the executor over a table and queues in memory."""

from __future__ import annotations

import secrets
from bdb import BdbQuit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ftask.core import ports
from ftask.core.codec import encode_message
from ftask.core.events import Event, EventName
from ftask.core.manifest import TaskType
from ftask.core.memory import TaskInMemory
from ftask.core.model import EXPERIMENT_TYPE, Delivery, Message, Status, Task
from ftask.core.payload import JsonObject, encode_payload
from ftask.core.ports import Clock, Observer
from ftask.core.retry import RetryPolicy
from ftask.core.workload import SimulatedError, simulated
from ftask.tasks.declaration import Registry
from ftask.tasks.worker import handler

# What a stack has without parameters: MaxAttempts, ErrorRate and WorkerTimeout.
MAX_ATTEMPTS = 2
ERROR_RATE = 0.3
WORKER_TIMEOUT = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """The task after an attempt, and the traceback of the attempt where the task raised something unexpected."""

    task: Task
    traceback: str | None


def new_task(task_type: TaskType, payload: JsonObject, now: datetime, attempt: int, max_attempts: int | None) -> Task:
    """Return a task of this type before attempt number `attempt` (from 1).

    `max_attempts` is the type's own where it is None, and at least `attempt`.
    """
    return Task(
        task_id=secrets.token_hex(16),
        status=Status.PENDING if attempt == 1 else Status.RETRYING,
        payload=encode_payload(payload),
        created_at=now,
        updated_at=now,
        expires_at=now,
        max_attempts=max_attempts or max(attempt, task_type.options.max_attempts or MAX_ATTEMPTS),
        type=task_type.name,
        attempts=attempt - 1,
    )


def run_to_end(
    task: Task, task_type: TaskType, registry: Registry, clock: Clock, wait: Callable[[float], None], rng: Random
) -> Iterator[AttemptEnd]:
    """Run the task as a worker does, and yield after each attempt; `wait` takes the seconds until the next one.

    Raises:
        KeyboardInterrupt: Ctrl-C, or the debugger was left.
    """
    tracebacks: list[str] = []

    def observe(event: Event) -> None:
        if event.name is EventName.ATTEMPT_FAILED:
            tracebacks.append(event.fields["traceback"])

    memory = TaskInMemory(task, clock)
    executor = memory.executor(
        _handler(task_type.name, registry, observe, clock, rng),
        task_type.options.retry_policy(RetryPolicy()),
        rng,
        observe,
    )
    delivery = Delivery("m", "r", encode_message(Message(task.task_id)))
    while not memory.task.status.terminal:
        begun = memory.task.attempts
        executor.execute(delivery, clock() + WORKER_TIMEOUT)
        if memory.task.attempts > begun:
            yield AttemptEnd(memory.task, tracebacks.pop() if tracebacks else None)
        if not memory.task.status.terminal and memory.visible_at is not None:
            wait(max(0.0, (memory.visible_at - clock()).total_seconds()))


def _handler(name: str, registry: Registry, observe: Observer, clock: Clock, rng: Random) -> ports.Handler:
    if name == EXPERIMENT_TYPE:
        return simulated(ERROR_RATE, rng, die=_refuse_to_die)
    work = handler(registry, observe, clock, interrupts=(KeyboardInterrupt, BdbQuit))

    def handle(job: ports.Job) -> Any:
        try:
            return work(job)
        except BdbQuit:
            raise KeyboardInterrupt from None

    return handle


def _refuse_to_die(_exit_code: int) -> None:
    raise SimulatedError("on a stage, the worker's process ends here")


@dataclass
class SkippingClock:
    """A clock that goes forward where others wait."""

    clock: Clock
    skipped: timedelta = timedelta(0)

    def __call__(self) -> datetime:
        return self.clock() + self.skipped

    def skip(self, seconds: float) -> None:
        self.skipped += timedelta(seconds=seconds)
