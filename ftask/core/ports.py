"""What the protocol needs of the world: a table, two queues, a clock, a handler."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum, auto
from typing import Any, Protocol

from ftask.core.events import Event
from ftask.core.model import DeadLetter, Delivery, Message, Task

Clock = Callable[[], datetime]
"""The present moment, as :func:`ftask.core.timestamps.truncate` leaves it."""


Observer = Callable[[Event], None]
"""Gets each event, at once."""


class Settlement(Enum):
    """What the table said to a settlement."""

    DONE = auto()
    LEASE_LOST = auto()  # somebody else holds the task by now: nothing was written
    CANCEL_REQUESTED = auto()  # no further attempt is wanted: nothing was written


class Store(Protocol):
    """The table of tasks. Each write is one conditional write that recognises its own re-sent self."""

    def put(self, task: Task) -> Task | None:
        """Write a task whose id is not taken; answer None, or the task that has the id."""

    def put_many(self, tasks: Sequence[Task]) -> list[Task]:
        """Write up to 100 tasks, all whose ids are not taken; answer the tasks that have the others."""

    def get(self, task_id: str) -> Task | None:
        """The task, read consistently."""

    def get_many(self, task_ids: Sequence[str]) -> Iterator[Task]:
        """The tasks of these ids that exist, in no order; reads may be a moment behind."""

    def begin(self, message: Message, owner: str, until: datetime, now: datetime) -> tuple[bool, Task | None]:
        """Try to begin an attempt: True and the task as begun, or False and the task as found."""

    def settle(self, after: Task, owner: str) -> Settlement:
        """Write what the attempt of lease `owner` came to; of a cancelled task, never that it is `RETRYING`."""

    def cancel(self, after: Task) -> Task | None:
        """Move a task that waits, `PENDING` or `RETRYING`, to `after`; answer None, or the task as found."""

    def request_cancel(self, task_id: str, now: datetime) -> bool:
        """Note that no attempt may follow the running one; False if none is running."""

    def reopen(self, after: Task) -> bool:
        """Move a task that is `FAILED` in the epoch before `after`'s to `after`; False if it is elsewhere."""

    def discard(self, task_id: str) -> None:
        """Delete a task that is still `PENDING` and was never begun; anything else stays."""


class Queue(Protocol):
    """The main queue."""

    def send(self, message: Message) -> None:
        """Send; when this returns, the queue has the message."""

    def send_many(self, messages: Sequence[Message]) -> list[Message]:
        """Send up to ten messages in one request; those that the queue has when this returns."""

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        """Make a received message visible again in `seconds` (0 to 43,200) from now."""


class DeadLetterQueue(Protocol):
    """The dead-letter queue."""

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        """Send; when this returns, the queue has the letter."""


class DeadLetterReader(Protocol):
    """The operator's end of the dead-letter queue."""

    def receive(self) -> list[DeadLetter]:
        """Up to ten letters, invisible to others for a while; none if the queue shows none."""

    def delete(self, letters: Sequence[DeadLetter]) -> None:
        """Delete received letters; one that stays after all comes back."""


class Handler(Protocol):
    """The work itself."""

    def __call__(self, job: Job) -> Any:
        """Do the task; the answer must be JSON or None. Any exception is a failed attempt."""


class Job(Protocol):
    """What a handler is given. `task_id`, `epoch` and `attempt` together name one run of it."""

    @property
    def task_id(self) -> str: ...

    @property
    def epoch(self) -> int: ...

    @property
    def attempt(self) -> int: ...

    @property
    def max_attempts(self) -> int: ...

    @property
    def payload(self) -> dict[str, Any]: ...
