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
from collections.abc import Callable, Collection, Container, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from ftask.core import events, expiry, transitions
from ftask.core.codec import MalformedMessageError, UnknownVersionError, body_fields, encode_message, message_from
from ftask.core.errors import AttemptError, InvalidResult, PayloadMissing, UnknownTaskType
from ftask.core.firings import Firings, firing_from
from ftask.core.model import Delivery, Failure, Lease, Message, Status, Task
from ftask.core.ports import (
    Clock,
    DeadLetterQueue,
    Handler,
    Isolation,
    Job,
    Observer,
    Queue,
    Schedules,
    Settlement,
    Store,
)
from ftask.core.raised import MAX_ERROR_BYTES, message_of, recorded, type_of
from ftask.core.retry import RetryPolicy
from ftask.core.text import printable
from ftask.core.timestamps import to_iso
from ftask.core.transitions import Acknowledge, Begun, Cancelled, Exhausted, Postpone, Reopen, TakeOver, due_at

# Longest time that a message is hidden. SQS counts its 12 hours from the receive, which was before the invocation.
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ChangeMessageVisibility.html
MAX_VISIBILITY_SECONDS = 11 * 3600
# A message that waits for longer is sent again by a schedule, because what waits in the queue is in flight, and SQS
# allows 120,000 of those.
LONGEST_WAIT = timedelta(minutes=15)
# A begin that failed is undone only with so much time left: two calls at the end of an invocation (core.clients).
UNDO_TIME = timedelta(seconds=2)
# Others write the same item only when messages are duplicated, so a begin soon finds it as it stays.
_BEGIN_TRIES = 3
# What is left of a worker's time when it stops an attempt: enough to write how it ended.
SETTLE_TIME = timedelta(seconds=1)
# An item ends at 400 KB: payload (256), result and 50 entries of history must fit together.
MAX_RESULT_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Executor:
    """Runs deliveries.

    `policies` are the retry policies of the types that declare one; all others have `policy`. `budget` is the
    time that a handler is promised: with less left before the invocation's deadline, a message is handed back, and it
    costs the task no attempt. `retention` is how long an item is kept after its last change.

    `types` are those that the handler knows (default: all). A task of another one waits for a worker that knows it.

    A message that waits for more than 15 minutes is sent again by one of the `schedules`; without them, it stays in the
    queue.

    `firings` make tasks of the messages of recurring schedules; without them, these stay in the queue.

    Tasks of the `isolated_types`, and suspects, run in a child process of `isolation`; without it, all run here.
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
    isolation: Isolation | None = None
    isolated_types: Container[str] = ()
    types: Collection[str] | None = None
    schedules: Schedules | None = None
    firings: Firings | None = None

    def execute(self, delivery: Delivery, deadline: datetime, beside: int = 0) -> bool:
        """Begin, run and settle the task of `delivery`; return True if its message may be deleted.

        `deadline` is when Lambda kills this invocation, and so the end of every lease that it takes. `beside` is how
        many other messages came with this one.

        Raises:
            Exception: the table or a queue failed; the message must be delivered again.
        """
        try:
            fields = body_fields(delivery.body)
            firing = None if self.firings is None else firing_from(fields, delivery.sent_at)
            message = message_from(fields) if firing is None else firing.message
        except MalformedMessageError as error:
            self._dead_letter_malformed(delivery, str(error))
            return True
        except UnknownVersionError as error:
            wait_ms = self._wait_ms(delivery.sent_at)
            self.observe(events.postponed_unread(delivery.message_id, str(error), wait_ms))
            return False
        if not self._has_time(deadline):
            return self._postpone(delivery, message, self._no_time(delivery.sent_at))
        if self.firings is None or firing is None:
            return self._attempt(delivery, message, deadline, beside)
        match self.firings.admit(firing):
            case Acknowledge(reason):
                self.observe(events.skipped(firing.schedule, firing.at, reason))
                return True
            case Postpone() as later:
                return self._postpone(delivery, message, later)
            case message:
                # A dead letter is of the task.
                return self._attempt(replace(delivery, body=encode_message(message)), message, deadline, beside)

    def _attempt(self, delivery: Delivery, message: Message, deadline: datetime, beside: int) -> bool:
        owner = secrets.token_hex(8)
        try:
            decision = self._begin(message, Lease(owner, deadline), beside)
            if isinstance(decision, Begun):
                decision = Begun(self.store.with_payload(decision.task))
        except Exception:
            # The write may have been applied, and only its answer or the payload is missing.
            self._undo_begin(message, owner, deadline)
            raise
        match decision:
            case Acknowledge(reason):
                self.observe(events.ignored(message, reason))
                return True
            case Postpone():
                return self._postpone(delivery, message, decision)
            case Exhausted(lost):
                self.observe(events.worker_lost(lost))
                return self._settle(delivery, lost)
            case Cancelled(cancelled):
                return self._settle(delivery, cancelled)
            case Begun(task):
                return self._run_begun(delivery, task, deadline)

    def _run_begun(self, delivery: Delivery, task: Task, deadline: datetime) -> bool:
        if self.types is not None and task.type not in self.types:
            return self._hand_back_unknown(delivery, task, self.types)
        with self._place(task, deadline) as handler:
            if handler is None:
                before = transitions.given_back(task, self.clock())
                return self._give_back(delivery, before, self._no_time(due_at(task) or delivery.sent_at))
            after = self._run(task, handler, deadline)
        return self._settle(delivery, after, task)

    def _has_time(self, deadline: datetime) -> bool:
        return deadline - self.clock() >= self.budget

    def _no_time(self, due: datetime | None) -> Postpone:
        return Postpone("no time left in this invocation", self.clock(), due)

    def _wait_ms(self, due: datetime | None) -> int | None:
        return None if due is None else _milliseconds(self.clock() - due)

    def _begin(
        self, message: Message, lease: Lease, beside: int
    ) -> Acknowledge | Postpone | Exhausted | Cancelled | Begun:
        for _ in range(_BEGIN_TRIES):
            now = self.clock()
            begun, current = self.store.begin(message, lease.owner, lease.until, now, beside)
            if begun and current is not None:
                return Begun(current)
            decision = transitions.decide_refused_begin(current, message, lease.owner, now)
            match decision:
                case Reopen(task):
                    # The redrive's own write may win this race; either way the task is then PENDING.
                    self.store.reopen(self._retained(transitions.reopened(task, now)))
                case TakeOver(task, dead):
                    after = self._retained(transitions.taken_over(task, lease, beside, now))
                    if self.store.take_over(after, dead.owner):
                        self.observe(events.attempt_lost(task, counted=transitions.is_loss_counted(task)))
                        return Begun(after)
                case _:
                    return decision
        return Postpone("written by others at the same time", until=self.clock())

    def _undo_begin(self, message: Message, owner: str, deadline: datetime) -> None:
        """Give back the attempt of a begin or a read that failed, if it was begun and there is time for it."""
        if deadline - self.clock() < UNDO_TIME:
            return
        with suppress(Exception):  # the failure of the begin itself is raised
            current = self.store.get(message.task_id)
            if current is not None and current.lease is not None and current.lease.owner == owner:
                self.store.settle(self._retained(transitions.given_back(current, self.clock())), owner)

    def _place(self, task: Task, deadline: datetime) -> AbstractContextManager[Handler | None]:
        """Hold the place where the attempt runs: this process, or a child of it; None without the time for it."""
        if self.isolation is None or not (task.type in self.isolated_types or transitions.is_suspect(task)):
            return nullcontext(self.handler if self._has_time(deadline) else None)
        return self.isolation.child(deadline - self.budget)

    def _give_back(self, delivery: Delivery, before: Task, why: Postpone) -> bool:
        """Undo a begin whose handler has not run, so that the attempt is not counted: the task is as `before` it."""
        if before.lease is None:
            raise AssertionError("an attempt is given back by its lease")
        match self.store.settle(self._retained(before), before.lease.owner):
            case Settlement.CANCEL_REQUESTED:
                return self._settle(delivery, transitions.cancelled(before, self.clock()))
            case Settlement.LEASE_LOST:
                self.observe(events.lease_lost(before))
            case Settlement.DONE:
                return self._postpone(delivery, before.message, why)
        return False

    def _hand_back_unknown(self, delivery: Delivery, task: Task, types: Collection[str]) -> bool:
        """Leave a task of an unknown type to another worker; fail it once none has known the type for too long."""
        now = self.clock()
        error = UnknownTaskType(task.type, types)
        failure = Failure(type(error).__name__, printable(str(error), MAX_ERROR_BYTES))
        after = transitions.unknown_type(task, failure, now)
        if after.status is Status.FAILED:
            self.observe(events.finished(after, 0))
            return self._settle(delivery, after, task)
        until = now + transitions.UNKNOWN_TYPE_PAUSE
        why = Postpone("of a type that this worker does not know", until, due_at(task) or delivery.sent_at)
        return self._give_back(delivery, after, why)

    def _run(self, task: Task, handler: Handler, deadline: datetime) -> Task:
        """Run the handler on a begun task; return what the task becomes, not yet written anywhere."""
        started = self.clock()
        wait_ms = self._wait_ms(due_at(task))
        self.observe(events.started(task, wait_ms))
        try:
            result = encode_result(handler(_job(task, deadline)))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - any error of a handler is the attempt's outcome
            after = self._failed(task, recorded(error))
        else:
            after = transitions.completed(task, result, self.clock())
        self.observe(events.finished(after, _milliseconds(self.clock() - started), wait_ms))
        return after

    def _failed(self, task: Task, error: AttemptError) -> Task:
        return transitions.failed_attempt(
            task,
            Failure(error.error_type, str(error)),
            self.clock(),
            self.policies.get(task.type, self.policy),
            self.rng,
            permanent=error.permanent,
            requested_seconds=error.requested_seconds,
        )

    def _settle(self, delivery: Delivery, after: Task, before: Task | None = None) -> bool:
        if after.lease is None:
            raise AssertionError("a task is settled by its lease")
        if after.status is Status.FAILED:
            # The letter before the state: a crash in between duplicates the letter and never loses it.
            self.dead_letters.send(delivery.body, letter_attributes(after))
        match self.store.settle(self._retained(after), after.lease.owner, before):
            case Settlement.LEASE_LOST:
                self.observe(events.lease_lost(after))
                return False
            case Settlement.CANCEL_REQUESTED:
                return self._settle(delivery, transitions.cancelled(after, self.clock()), before)
            case Settlement.DONE:
                pass
        if after.status is Status.CANCELLED:
            self.observe(events.cancelled(after))
        if after.status is Status.RETRYING and after.next_attempt_at is not None:
            kept = expiry.with_lasting_payload(after, self.clock(), self.retention)
            if kept is not after:
                # Its backoffs together are longer than the life of a message.
                self.store.reschedule(self._retained(kept))
            return self._postpone(delivery, after.message, Postpone("backing off", until=after.next_attempt_at))
        return True

    def _postpone(self, delivery: Delivery, message: Message, decision: Postpone) -> bool:
        """Have the message delivered when the decision says; return True if a schedule sends another one instead."""
        seconds = None
        if decision.until is not None:
            if self.schedules is not None and decision.until - self.clock() > LONGEST_WAIT:
                self.schedules.send_at(replace(message, group=message.group or decision.group), decision.until)
                self.observe(events.scheduled(message, decision.reason, decision.until))
                return True
            # Rounded up: a message that is visible too early would only be postponed again.
            seconds = min(max(0, math.ceil((decision.until - self.clock()).total_seconds())), MAX_VISIBILITY_SECONDS)
            self.queue.postpone(delivery, seconds)
        self.observe(events.postponed(message, decision.reason, seconds, self._wait_ms(decision.due)))
        return False

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
        return expiry.kept(task, self.clock(), self.retention)


def _job(task: Task, deadline: datetime) -> Job:
    """Return what the handler gets.

    Raises:
        PayloadMissing: the payload's item is gone.
    """
    if task.payload is None:
        raise PayloadMissing
    payload = json.loads(task.payload)
    return Job(task.task_id, task.type, task.epoch, task.attempts, task.max_attempts, payload, deadline)


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
        InvalidResult: it is not JSON, or larger than 64 KiB.
    """
    if value is None:
        return None
    text = result_json(value)
    size = len(text.encode())
    if size > MAX_RESULT_BYTES:
        raise InvalidResult(
            f"The result has {size:,} bytes; the limit is {MAX_RESULT_BYTES:,}. Store it elsewhere, like in S3, and "
            "return where it is."
        )
    return text


def result_json(value: Any, convert: Callable[[Any], Any] | None = None) -> str:
    """Return `value` as JSON text; `convert` returns what stands for a part that JSON does not know.

    Raises:
        InvalidResult: it is not JSON. Whatever its own code raises, the work is done.
    """
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False, default=convert)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidResult(f"The result is not JSON: {message_of(error)}.") from error
    except Exception as error:
        raise InvalidResult(f"The result is not JSON: {type_of(error)}: {message_of(error)}") from error
    return text


def limit_text(timeout_seconds: float | None) -> str:
    """Return what stops an attempt: the timeout of its type, or without one the end of the worker's time."""
    if timeout_seconds is None:
        return "WorkerTimeout ended the worker's time"
    return f"its timeout is {timeout_seconds:g} s"


def _milliseconds(span: timedelta) -> int:
    return max(0, round(span / timedelta(milliseconds=1)))
