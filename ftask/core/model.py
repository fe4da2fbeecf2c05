"""The values of the protocol: a task, its attempts, its lease, the message that points at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

# What an attempt that was begun and never settled is called: its worker died in it.
WORKER_LOST = "WorkerLost"


class Status(StrEnum):
    """Where a task stands. The DynamoDB item is the truth about it, never the queue."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    RETRYING = "RETRYING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def terminal(self) -> bool:
        """Whether nothing but a redrive, and of `FAILED` only, can change this status."""
        return self in (Status.COMPLETED, Status.FAILED, Status.CANCELLED)


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

    `outcome` is None while it runs; `backoff_seconds` is the delay chosen before the next one.
    """

    number: int
    epoch: int
    started_at: datetime
    ended_at: datetime | None = None
    outcome: Outcome | None = None
    error: Failure | None = None
    backoff_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to settle one attempt.

    `owner` is unique to one begin, so it stands for the attempt as well as for the worker. `until`
    is the moment at which Lambda kills the invocation: an expired lease proves its owner gone.
    """

    owner: str
    until: datetime


@dataclass(frozen=True, slots=True)
class Task:
    """A task as the table knows it.

    `payload` and `result` are JSON texts, kept as text so that floats, 40-digit integers and
    empty strings come back exactly. `attempts` counts begins in this `epoch`; `epoch` counts redrives.
    `payload_hash` is set only where an idempotency key has to recognise the payload.
    """

    task_id: str
    status: Status
    payload: str
    created_at: datetime
    updated_at: datetime
    max_attempts: int
    expires_at: datetime
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


@dataclass(frozen=True, slots=True)
class Message:
    """What a queue carries: which task to look at, and of which epoch. The item holds the rest."""

    task_id: str
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Delivery:
    """One received message. `receipt_handle` is valid for this receive only."""

    message_id: str
    receipt_handle: str
    body: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One received dead letter, with what its sender said of it. `sent_at` is None where the queue did not say."""

    message_id: str
    receipt_handle: str
    body: str
    attributes: Mapping[str, str]
    sent_at: datetime | None = None
