"""The values of the protocol: a task, its attempts, its lease, the message that names it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Self

from ftask.core.errors import WorkerLost
from ftask.core.text import plural

# The task type that every stage has: the built-in experiment.
EXPERIMENT_TYPE = "experiment"

# The error type of an attempt whose process died.
WORKER_LOST = WorkerLost.__name__

# The versions of a message: of a task with its payload in its item, and of one whose payload is an item of its own. A
# worker of an earlier release, which cannot read that, does not begin the task.
INLINE = 1
SEPARATE = 2


class Phase(Enum):
    """What can happen to a task of a status."""

    WAITING = auto()  # its message begins an attempt, once it is due
    RUNNING = auto()  # the holder of its lease settles it
    ENDED = auto()  # nothing, but a redrive of what has failed


class Status(StrEnum):
    """Where a task stands, in the order in which statuses are shown. The DynamoDB item has the truth, never the queue.

    Each has its phase, and the name of the metric that counts the attempts which led to it (empty: not counted).
    """

    phase: Phase
    metric: str

    PENDING = "PENDING", Phase.WAITING
    PROCESSING = "PROCESSING", Phase.RUNNING
    RETRYING = "RETRYING", Phase.WAITING, "Retried"
    COMPLETED = "COMPLETED", Phase.ENDED, "Completed"
    FAILED = "FAILED", Phase.ENDED, "Failed"
    CANCELLED = "CANCELLED", Phase.ENDED

    def __new__(cls, value: str, phase: Phase | None = None, metric: str = "") -> Self:
        if phase is None:  # optional only because Status("FAILED") looks a status up by its value alone
            raise TypeError(f"the status {value} needs its phase")
        status = str.__new__(cls, value)
        status._value_ = value
        status.phase = phase
        status.metric = metric
        return status

    @property
    def waiting(self) -> bool:
        """Whether the task waits for its next attempt."""
        return self.phase is Phase.WAITING

    @property
    def terminal(self) -> bool:
        """Whether the task has ended: only a redrive changes that, and only of `FAILED`."""
        return self.phase is Phase.ENDED


class Outcome(StrEnum):
    """How an attempt ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed: the exception's type and its message, both bounded and printable."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run of the handler. `number` counts from 1 within its epoch.

    `outcome` is None while it runs; `backoff_seconds` is the delay chosen before the next one. `beside` is how many
    other messages its worker had received with it. An attempt that was `LOST` and is `uncounted` is not counted
    against the task's limit, so the attempt after it has the same number.
    """

    number: int
    epoch: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    error: Failure | None = None
    backoff_seconds: float | None = None
    beside: int = 0
    uncounted: bool = False


# Nothing sees a worker die, so nobody knows which it was.
_LOSS = "The worker crashed, ran out of memory or reached WorkerTimeout"


def loss_text(beside: int, *, counted: bool) -> str:
    """Return how an attempt was lost with `beside` others in its worker, and whether it is counted."""
    if counted:
        return f"{_LOSS}."
    return f"{_LOSS}, while {plural(beside, 'other task')} ran in it; not counted."


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to settle one attempt.

    `owner` is unique to one begin, so it stands for the attempt as well as for the worker. `until`
    is the moment at which Lambda kills the invocation: an expired lease proves its owner gone.
    """

    owner: str
    until: datetime


class RemovalKind(StrEnum):
    """How an operator removed a failed task from the list of failed tasks."""

    DISCARDED = "DISCARDED"
    DRAINED = "DRAINED"  # its dead letter is in a file


@dataclass(frozen=True, slots=True)
class Removal:
    """That a failed task is off the list of failed tasks: since when, and by whom (an ARN).

    Nothing but a redrive that names the task runs it again.
    """

    kind: RemovalKind
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class PayloadItem:
    """The separate item that holds a task's payload; `digest`, of the payload's text, is part of its id.

    It is kept at least until `expires_at`.
    """

    digest: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Unique:
    """The lock by which a task is the only one of its kind: an item of its own, which names its holder.

    It is held until the moment `until`, or where that is None until the holder has ended: so what ends a task releases
    its lock in the same write, and a crash leaves none behind. The item expires at `expires_at`.
    """

    lock_id: str
    until: datetime | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """A task as the table knows it.

    `payload` and `result` are JSON texts, kept as text so that floats, 40-digit integers and empty strings come back
    exactly. A payload in a separate item is None until it is read, and after that if the item is gone.
    `attempts` counts begins in this `epoch`, but not those of lost attempts that are uncounted; `epoch` counts
    redrives.
    `payload_hash` is set only where an idempotency key has to recognise the payload. `type` names the user's function
    that runs the task, or the built-in experiment.
    """

    task_id: str
    status: Status
    payload: str | None
    created_at: datetime
    updated_at: datetime
    max_attempts: int
    expires_at: datetime
    type: str = EXPERIMENT_TYPE
    attempts: int = 0
    epoch: int = 0
    payload_hash: str | None = None
    lease: Lease | None = None
    next_attempt_at: datetime | None = None
    last_error: Failure | None = None
    history: tuple[Attempt, ...] = ()
    result: str | None = None
    completed_at: datetime | None = None
    failed_at: datetime | None = None
    cancelled_at: datetime | None = None
    # Set while an attempt runs: it may end, and no other follows it.
    cancel_requested_at: datetime | None = None
    # Set only while the task is FAILED, once an operator has discarded or drained it.
    removal: Removal | None = None
    payload_item: PayloadItem | None = None
    # The tenant, so to say: SQS delays the messages of a group that floods the queue in favour of the others'.
    group: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    # The lock that its submission takes; it is not part of the task's item.
    unique: Unique | None = field(default=None, compare=False)
    # Since when no worker that got the task has known its type.
    unknown_since: datetime | None = None
    # When the task was to run first, if not at once.
    scheduled_at: datetime | None = None

    @property
    def message(self) -> Message:
        """The message that runs the task in its epoch."""
        version = INLINE if self.payload_item is None else SEPARATE
        return Message(self.task_id, self.epoch, version, group=self.group, due=self.next_attempt_at)

    @property
    def ended_at(self) -> datetime | None:
        """When the task ended; None while it has not."""
        return self.completed_at or self.failed_at or self.cancelled_at


@dataclass(frozen=True, slots=True)
class Message:
    """What the queue carries: which task to look at, in which epoch. The item has the rest.

    `version` is that of its format. A worker leaves a message whose version it does not know in the queue. `due`, which
    is not part of the message, is when its task may begin: the queue need not deliver it before.
    """

    task_id: str
    epoch: int = 0
    version: int = INLINE
    # Not part of its body: only its sender says it.
    group: str | None = field(default=None, compare=False)
    due: datetime | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Delivery:
    """One received message. `receipt_handle` is valid for this receive only; `sent_at` is when the message was sent."""

    message_id: str
    receipt_handle: str
    body: str
    sent_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One received dead letter; `attributes` are what its sender wrote about the task.

    `sent_at` is None where the queue does not say it.
    """

    message_id: str
    receipt_handle: str
    body: str
    attributes: Mapping[str, str]
    sent_at: datetime | None = None
