"""Firings of schedules: the message that makes a task, and what a worker does with it.

The id of the task derives from the schedule and the time of the firing, so a firing that comes twice is one task. A
worker takes the firing in the schedule's record, writes the task, and begins it with the same message: a crash between
any two of these leaves the message, whose next delivery goes on.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from ftask.core.codec import MalformedMessageError
from ftask.core.labels import UNTIL_DONE, Labels
from ftask.core.manifest import QUEUE, TYPE_NAME, TaskType
from ftask.core.model import Message, Status, Task
from ftask.core.payload import encode_payload, payload_hash
from ftask.core.ports import Clock, Store
from ftask.core.timestamps import from_iso, to_iso
from ftask.core.transitions import UNKNOWN_TYPE_PAUSE, UNKNOWN_TYPE_TIME, Acknowledge, Postpone

# The version of the message: a worker of an earlier release leaves it in the queue.
FIRING_VERSION = 3
# EventBridge Scheduler writes the time of the firing in its place; the local engine leaves it as it is.
# https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
_TIME_PLACEHOLDER = "<aws.scheduler.scheduled-time>"
# EventBridge Scheduler fires within a minute. Of firings that come later than this, which a pause or an outage has held
# up, only the last one runs: so each waits for a moment whether a worker sees a later one.
LATE = timedelta(minutes=2)
_LATE_PAUSE = timedelta(seconds=30)
# How long a firing waits before it looks again whether the run before has ended: the longer, the longer it has waited,
# because SQS gives up a message after 1,000 receives.
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
# What a scheduled task is submitted with: nothing.
_PAYLOAD: dict[str, object] = {}


@dataclass(frozen=True, slots=True)
class Firing:
    """One moment at which a schedule, which has the name of its task type, makes a task."""

    schedule: str
    at: datetime

    @property
    def task_id(self) -> str:
        text = f"ftask schedule\0{self.schedule}\0{to_iso(self.at)}"
        return hashlib.sha256(text.encode()).hexdigest()[:32]

    @property
    def message(self) -> Message:
        """The message of its task, as if that had been submitted."""
        return Message(self.task_id)


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """What the table knows of a schedule.

    `firing_at` is the time of the latest firing that a worker took. `skip_reason` says why that one made no task;
    `skips` is how many were skipped so. None of it is known of a schedule that never fired.
    """

    schedule: str
    paused_at: datetime | None = None
    firing_at: datetime | None = None
    skip_reason: str | None = None
    skips: int = 0

    @property
    def task_id(self) -> str | None:
        """The id of the task that the latest firing makes, unless it is skipped; None if the schedule never fired."""
        return None if self.firing_at is None else Firing(self.schedule, self.firing_at).task_id


class ScheduleRecords(Protocol):
    """The records of schedules, as a worker writes them."""

    def take(self, firing: Firing) -> tuple[bool, ScheduleRecord]:
        """Note the firing if it is later than all before, and the schedule is not paused; return whether, and the
        record.
        """

    def skip(self, firing: Firing, reason: str) -> None:
        """Note that the latest firing makes no task; nothing if a later one has been taken."""


def encode_firing(schedule: str, at: datetime | None = None) -> str:
    """Return the body of the message of a firing; without a time as a schedule has it, for every firing."""
    moment = _TIME_PLACEHOLDER if at is None else to_iso(at)
    return json.dumps({"v": FIRING_VERSION, "schedule": schedule, "at": moment}, separators=(",", ":"))


def firing_from(fields: Mapping[str, Any], sent_at: datetime | None) -> Firing | None:
    """Return the firing in the fields of a message sent at `sent_at`; None if the message is of another kind.

    Raises:
        MalformedMessageError: it is one, and cannot be read.
    """
    if fields.get("v") != FIRING_VERSION:
        return None
    schedule, at = fields.get("schedule"), fields.get("at")
    if not isinstance(schedule, str) or not TYPE_NAME.fullmatch(schedule):
        raise MalformedMessageError("the field schedule is missing or not the name of a task type")
    if at == _TIME_PLACEHOLDER and sent_at is not None:
        return Firing(schedule, sent_at.replace(second=0, microsecond=0))
    try:
        moment = from_iso(at) if isinstance(at, str) else None
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise MalformedMessageError("the field at is missing or not a time with its zone")
    return Firing(schedule, moment.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class Firings:
    """Turns firings into tasks.

    `types` are the worker's task types by name; `max_attempts` and `retention` are those of a submission.
    """

    store: Store
    records: ScheduleRecords
    clock: Clock
    types: Mapping[str, TaskType]
    max_attempts: int
    retention: timedelta

    def admit(self, firing: Firing) -> Message | Acknowledge | Postpone:
        """Return the message of the firing's task, which exists then; or what becomes of the firing instead.

        Raises:
            Exception: the table failed; the message must be delivered again.
        """
        now = self.clock()
        task_type = self.types.get(firing.schedule)
        if task_type is None or task_type.options.schedule is None:
            return self._of_unknown(firing, now)
        if firing.at > now:
            return Postpone("before its time", until=min(firing.at, now + _LONGEST_PAUSE))
        queues = task_type.options.schedule.overlap == QUEUE
        is_first, record = self.records.take(firing)
        if is_first:
            if not queues and now - firing.at > LATE:
                return Postpone("late: a later firing may come", until=now + _LATE_PAUSE)
        elif self.store.get(firing.task_id) is not None:
            return firing.message
        elif (reason := _refusal(record, firing, queues=queues)) is not None:
            return Acknowledge(reason)
        holder = self.store.put(self._task(firing, task_type, now))
        if holder is None or holder.task_id == firing.task_id:
            return firing.message
        if queues:
            waited = max(_SHORTEST_PAUSE, min((now - firing.at) / 8, _LONGEST_PAUSE))
            return Postpone("the run before has not ended", until=now + waited)
        reason = f"the run before, task {holder.task_id}, had not ended"
        self.records.skip(firing, reason)
        return Acknowledge(reason)

    def _of_unknown(self, firing: Firing, now: datetime) -> Message | Acknowledge | Postpone:
        """A deployment adds or removes the schedule; while that takes, another worker may know it."""
        if self.store.get(firing.task_id) is not None:
            return firing.message
        if now - firing.at < UNKNOWN_TYPE_TIME:
            return Postpone("of a schedule that this worker does not know", until=now + UNKNOWN_TYPE_PAUSE)
        return Acknowledge("the schedule was removed")

    def _task(self, firing: Firing, task_type: TaskType, now: datetime) -> Task:
        # The lock of a task that is submitted as unique: `ftask schedule run` takes the same.
        digest, expires_at = payload_hash(_PAYLOAD), now + self.retention
        return Task(
            task_id=firing.task_id,
            status=Status.PENDING,
            payload=encode_payload(_PAYLOAD),
            payload_hash=digest,
            created_at=now,
            updated_at=now,
            expires_at=expires_at,
            max_attempts=task_type.options.max_attempts or self.max_attempts,
            type=task_type.name,
            unique=Labels(unique=UNTIL_DONE).lock(task_type.name, digest, now, expires_at),
            scheduled_at=firing.at,
        )


def _refusal(record: ScheduleRecord, firing: Firing, *, queues: bool) -> str | None:
    """Return why a firing makes no task that is not the first of its time, or that the record refused; None: it does.

    None is the answer to a firing that was taken, and whose task a crash has left unwritten.
    """
    if record.paused_at is not None:
        return "the schedule is paused"
    if record.firing_at == firing.at:
        return record.skip_reason
    return None if queues else "a later firing was taken"
