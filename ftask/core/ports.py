"""The interfaces that the protocol needs: a table, two queues, a clock, a handler."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from ftask.core.events import Event
from ftask.core.model import DeadLetter, Delivery, Message, Removal, Task

Clock = Callable[[], datetime]
"""Returns the present moment in whole milliseconds, like :func:`ftask.core.timestamps.now`."""


Observer = Callable[[Event], None]
"""Takes each event as it happens."""


class Settlement(Enum):
    """The result of a settlement."""

    DONE = auto()
    LEASE_LOST = auto()  # another worker has the task, or its epoch is over: nothing was written
    CANCEL_REQUESTED = auto()  # an operator cancelled the task, so it may not wait again: nothing was written


class Store(Protocol):
    """The table of tasks. Each write is one conditional write that recognises its own re-sent self."""

    def put_payload(self, task: Task) -> None:
        """Write the payload of a task as a separate item; if that exists, make it expire no earlier than this."""

    def keep(self, after: Task) -> None:
        """Extend a `FAILED` task and its payload's item to the expiries in `after`, the payload first.

        The task is not written if it is in another state or epoch, nor the payload if it is gone or expires later.
        """

    def with_payload(self, task: Task) -> Task:
        """Return the task with its payload, read consistently; without one if the payload's item is gone."""

    def with_payloads(self, tasks: Iterable[Task]) -> Iterator[Task]:
        """Yield the tasks with their payloads, read consistently, in order."""

    def put(self, task: Task) -> Task | None:
        """Write a task if its id is free, and its lock if it is to be unique; return None, or the task that has it."""

    def get(self, task_id: str) -> Task | None:
        """Return the task, read consistently; None if no task has this id."""

    def get_many(self, task_ids: Sequence[str], *, consistent: bool = False) -> Iterator[Task]:
        """Yield the tasks with these ids that exist, in no order.

        Reads may be a moment behind, unless they are `consistent`, at twice the cost.
        """

    def begin(
        self, message: Message, owner: str, until: datetime, now: datetime, beside: int = 0
    ) -> tuple[bool, Task | None]:
        """Begin an attempt of a task that waits; return True and the begun task, or False and the current task.

        `owner` and `until` are the lease that is taken; `beside` is how many other messages the worker received.
        """

    def take_over(self, after: Task, dead_owner: str) -> bool:
        """Write `after` if `dead_owner` still holds the lease; return whether it did.

        A task that an operator has cancelled is not taken over. False is also the answer to a write that is refused by
        its own first one: the next begin then finds its own lease.
        """

    def settle(self, after: Task, owner: str, before: Task | None = None) -> Settlement:
        """Write `after`, the outcome of the attempt with lease `owner`; a cancelled task never waits again.

        With `before`, the task as the attempt began, only what differs is written.
        """

    def cancel(self, after: Task) -> Task | None:
        """Write `after` if the task still waits for the same attempt; return None, or the current task if not."""

    def reschedule(self, after: Task) -> Task | None:
        """Write when `after` runs, if the task still waits for the same attempt; return None, or the current task.

        Its payload's item is kept as long as `after` says, first.
        """

    def request_cancel(self, task_id: str, epoch: int, now: datetime) -> bool:
        """Store that no attempt may follow the running one of this epoch; return False if none is running."""

    def reopen(self, after: Task) -> bool:
        """Write `after` if the task is `FAILED` in the epoch before `after`'s; return whether it was."""

    def remove(self, task_id: str, epoch: int, removal: Removal) -> bool:
        """Remove a task that is `FAILED` in this epoch from the list of failed tasks; return whether it is off it.

        False: the task was redriven, or is gone. The first removal of an epoch stays.
        """

    def prolong(self, after: Task) -> bool:
        """Write `after`, a task as it was read with another expiry, if it is `PENDING` with 0 attempts and unchanged.

        Return whether it was.
        """

    def withdraw(self, task_id: str) -> Task | None:
        """Delete a task that is still `PENDING` with 0 attempts; return None, or the current task if it stays."""


class Queue(Protocol):
    """The main queue."""

    def send(self, message: Message) -> None:
        """Send a message; when this returns, the queue has it."""

    def send_many(self, messages: Sequence[Message]) -> list[Message]:
        """Send up to ten messages in one request; return those that the queue has."""

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Make a received message visible again in `seconds` from now, 0 to 43,200 (12 hours)."""


class Schedules(Protocol):
    """One-time schedules, each of which sends one message to the main queue."""

    def send_at(self, message: Message, due: datetime) -> None:
        """Have a message delivered up to two minutes before `due`, which is far ahead.

        When this returns, the schedule exists. It may be lost, and it may fire twice.
        """


class DeadLetterQueue(Protocol):
    """The dead-letter queue."""

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Send a dead letter; when this returns, the queue has it."""


class DeadLetterReader(Protocol):
    """The dead-letter queue as an operator reads it."""

    def receive(self) -> list[DeadLetter]:
        """Return up to ten letters, which others then do not see for a while; none if the queue is empty."""

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        """Delete received letters; one that could not be deleted comes back."""


class Isolation(Protocol):
    """Child processes of the worker, each of which runs one attempt at a time."""

    def child(self, until: datetime) -> AbstractContextManager[Handler | None]:
        """Hold a child and yield its handler; None if none is free and started by `until`.

        The handler raises WorkerLost if the child dies, or none could be started in several invocations; TimedOut if it
        was killed at the end of its time; and AttemptError for what the work raised in it.
        """


class Handler(Protocol):
    """The work itself."""

    def __call__(self, job: Job) -> Any:
        """Do the task; return JSON or None. Any exception makes the attempt a failed one."""


@dataclass(frozen=True, slots=True)
class Job:
    """What a handler is given. `task_id`, `epoch` and `attempt` (from 1) together name one run.

    `type` says which work it is; `deadline` is when Lambda kills the worker.
    """

    task_id: str
    type: str
    epoch: int
    attempt: int
    max_attempts: int
    payload: dict[str, Any]
    deadline: datetime
