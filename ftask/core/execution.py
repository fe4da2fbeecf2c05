"""Begin, run, settle: what a worker does with one delivered message.

The order of the steps is the promise. The lease is written before the handler runs, so nothing runs
twice at once; the dead letter is sent before `FAILED` is written, so no failure goes unseen; a
message is acknowledged only after its outcome is in the table, so no task is forgotten. A crash
between any two steps leaves the message in the queue and an expired lease in the table, from which
the next delivery goes on.
"""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ftask.core import events, transitions
from ftask.core.codec import MalformedMessageError, UnknownVersionError, decode_message
from ftask.core.errors import PermanentError, RetryAfter
from ftask.core.model import Delivery, Failure, Message, Status, Task
from ftask.core.ports import Clock, DeadLetterQueue, Handler, Observer, Queue, Settlement, Store
from ftask.core.retry import RetryPolicy
from ftask.core.text import printable
from ftask.core.timestamps import to_iso
from ftask.core.transitions import Acknowledge, Begun, Cancelled, Exhausted, Postpone, Reopen, due_at

# Longest error message kept, in the item and on the dead letter.
MAX_ERROR_BYTES = 1024
# An item ends at 400 KB: payload (256), result and 50 entries of history must fit together.
MAX_RESULT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class AttemptJob:
    """The job that a handler gets: see :class:`ftask.core.ports.Job`."""

    task_id: str
    type: str
    epoch: int
    attempt: int
    max_attempts: int
    payload: dict[str, Any]
    deadline: datetime


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs deliveries.

    `policies` are the retry policies of the types that have one of their own; all others have `policy`. `budget` is the
    time that a handler is promised: with less left before the invocation's deadline, a message is handed back without a
    begin, so that it costs the task no attempt. `retention` is how long an item is kept after its last change.
    """

    store: Store
    queue: Queue
    dead_letters: DeadLetterQueue
    handler: Handler
    clock: Clock
    rng: Random
    policy: RetryPolicy
    budget: timedelta
    retention: timedelta
    observe: Observer
    policies: Mapping[str, RetryPolicy] = field(default_factory=dict)

    def execute(self, delivery: Delivery, deadline: datetime) -> bool:
        """Begin, run and settle the task of `delivery`; return True if its message may be deleted.

        `deadline` is when Lambda kills this invocation, and so the end of every lease that it takes.

        Raises:
            Exception: the table or a queue failed; the message must be delivered again.
        """
        try:
            message = decode_message(delivery.body)
        except MalformedMessageError as error:
            self._dead_letter_malformed(delivery, str(error))
            return True
        except UnknownVersionError as error:
            self.observe(events.postponed_unread(delivery.message_id, str(error)))
            return False
        if deadline - self.clock() < self.budget:
            self._postpone(delivery, message, Postpone("no time left in this invocation", until=self.clock()))
            return False
        decision = self._begin(message, deadline)
        match decision:
            case Acknowledge(reason):
                self.observe(events.ignored(message, reason))
                return True
            case Postpone():
                self._postpone(delivery, message, decision)
                return False
            case Exhausted(lost):
                self.observe(events.worker_lost(lost))
                return self._settle(delivery, lost)
            case Cancelled(cancelled):
                return self._settle(delivery, cancelled)
            case Begun(task):
                return self._settle(delivery, self._run(task, deadline))

    def _begin(self, message: Message, deadline: datetime) -> Acknowledge | Postpone | Exhausted | Cancelled | Begun:
        owner = secrets.token_hex(8)
        reopened = False
        while True:
            now = self.clock()
            begun, current = self.store.begin(message, owner, deadline, now)
            if begun and current is not None:
                return Begun(current)
            decision = transitions.decide_refused_begin(current, message, owner, now)
            if not isinstance(decision, Reopen):
                return decision
            if reopened or current is None:
                return Postpone("being redriven", until=now)
            # The redrive's own write may win this race; either way the task is then PENDING.
            self.store.reopen(self._retained(transitions.reopened(current, now)))
            reopened = True

    def _run(self, task: Task, deadline: datetime) -> Task:
        """Run the handler on a begun task; return what the task becomes, not yet written anywhere."""
        payload = json.loads(task.payload)
        job = AttemptJob(task.task_id, task.type, task.epoch, task.attempts, task.max_attempts, payload, deadline)
        started = self.clock()
        due = due_at(task)
        self.observe(events.started(task, None if due is None else _milliseconds(started - due)))
        try:
            result = encode_result(self.handler(job))
        except RetryAfter as error:
            after = self._failed(task, error, requested_seconds=_usable_delay(error.seconds))
        except PermanentError as error:
            after = self._failed(task, error, permanent=True)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever a handler raises is the attempt's outcome
            after = self._failed(task, error)
        else:
            after = transitions.completed(task, result, self.clock())
        self.observe(events.finished(after, _milliseconds(self.clock() - started)))
        return after

    def _failed(
        self,
        task: Task,
        error: BaseException,
        *,
        permanent: bool = False,
        requested_seconds: float | None = None,
    ) -> Task:
        failure = Failure(printable(type(error).__name__, 100), printable(str(error), MAX_ERROR_BYTES))
        return transitions.failed_attempt(
            task,
            failure,
            self.clock(),
            self.policies.get(task.type, self.policy),
            self.rng,
            permanent=permanent,
            requested_seconds=requested_seconds,
        )

    def _settle(self, delivery: Delivery, after: Task) -> bool:
        if after.lease is None:
            raise AssertionError("a task is settled by its lease")
        if after.status is Status.FAILED:
            # The letter before the state: a crash in between duplicates the letter and never loses it.
            self.dead_letters.send(delivery.body, letter_attributes(after))
        match self.store.settle(self._retained(after), after.lease.owner):
            case Settlement.LEASE_LOST:
                self.observe(events.lease_lost(after))
                return False
            case Settlement.CANCEL_REQUESTED:
                return self._settle(delivery, transitions.cancelled(after, self.clock()))
            case Settlement.DONE:
                pass
        if after.status is Status.CANCELLED:
            self.observe(events.cancelled(after))
        if after.status is Status.RETRYING and after.next_attempt_at is not None:
            self._postpone(
                delivery,
                Message(after.task_id, after.epoch),
                Postpone("backing off", until=after.next_attempt_at),
            )
            return False
        return True

    def _postpone(self, delivery: Delivery, message: Message, decision: Postpone) -> None:
        seconds = None
        if decision.until is not None:
            # Rounded up: a message that is visible too early would only be postponed again.
            seconds = min(max(0, math.ceil((decision.until - self.clock()).total_seconds())), 43_200)
            self.queue.postpone(delivery, seconds)
        self.observe(events.postponed(message, decision.reason, seconds))

    def _dead_letter_malformed(self, delivery: Delivery, reason: str) -> None:
        self.dead_letters.send(
            delivery.body,
            {
                "errorType": "MalformedMessage",
                "errorMessage": printable(reason, MAX_ERROR_BYTES),
                "failedAt": to_iso(self.clock()),
            },
        )
        self.observe(events.malformed(delivery.message_id, reason))

    def _retained(self, task: Task) -> Task:
        return replace(task, expires_at=self.clock() + self.retention)


def letter_attributes(task: Task) -> dict[str, str]:
    """Return the attributes of a dead letter: what it says of its task without a look into the table."""
    attributes = {
        "taskId": task.task_id,
        "type": task.type,
        "epoch": str(task.epoch),
        "attempts": str(task.attempts),
    }
    if task.last_error is not None:
        attributes["errorType"] = task.last_error.type
        attributes["errorMessage"] = task.last_error.message
    if task.failed_at is not None:
        attributes["failedAt"] = to_iso(task.failed_at)
    return attributes


def encode_result(value: Any) -> str | None:
    """Return the JSON text of a handler's result; None without a result.

    Raises:
        PermanentError: it is not JSON, or larger than 64 KiB. The work is done, so a retry cannot help.
    """
    if value is None:
        return None
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        size = len(text.encode())
    except (TypeError, ValueError, RecursionError) as error:
        raise PermanentError(f"the handler's result is not JSON: {error}") from error
    if size > MAX_RESULT_BYTES:
        raise PermanentError(f"the handler's result has {size:,} bytes; the limit is {MAX_RESULT_BYTES:,}")
    return text


def _milliseconds(span: timedelta) -> int:
    return max(0, round(span / timedelta(milliseconds=1)))


def _usable_delay(seconds: float) -> float:
    return seconds if math.isfinite(seconds) else 0.0
