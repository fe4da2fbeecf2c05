"""The rules: what a task becomes, and what a worker does with a message whose begin was refused.

Pure: a task and the present moment in, a decision out. Nothing here reads a clock or calls AWS.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from ftask.core.model import WORKER_LOST, Attempt, Failure, Lease, Message, Outcome, Status, Task, loss_text
from ftask.core.retry import RetryPolicy
from ftask.core.text import shortened

# Clocks of two machines differ: a lease counts as expired only this long after its end.
CLOCK_SKEW_MARGIN = timedelta(seconds=2)
# How many lost attempts of an epoch are not counted, because others ran in their worker. A task that ends its worker
# even from a child process would otherwise be begun without end.
MAX_UNCOUNTED_LOSSES = 5
# While a deployment or its rollback replaces the functions, a worker may not know a type. That takes a few minutes.
UNKNOWN_TYPE_TIME = timedelta(minutes=15)
UNKNOWN_TYPE_PAUSE = timedelta(seconds=30)
# History is kept in the item, whose size is paid at every write and ends at 400 KB.
MAX_HISTORY = 50
# The task keeps its last error in full; the history keeps this much of each.
MAX_HISTORY_ERROR_BYTES = 200


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The message has nothing left to do: delete it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Postpone:
    """The message is not for now: leave it in the queue, visible again at `until`.

    Without `until` it comes back when its visibility timeout ends. `due` is since when its task could run, where only
    this worker keeps it from that. `group` is that of a message which a schedule sends instead.
    """

    reason: str
    until: datetime | None = None
    due: datetime | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The attempt is ours: run the handler on `task`, then settle it."""

    task: Task


@dataclass(frozen=True, slots=True)
class Reopen:
    """The message is of a redrive that has not yet written its move of `task`: write that move, then begin again."""

    task: Task


@dataclass(frozen=True, slots=True)
class TakeOver:
    """The worker of `task` died with attempts left: take over its lease, if it still holds it."""

    task: Task
    dead: Lease


@dataclass(frozen=True, slots=True)
class Exhausted:
    """The worker died in the last attempt: dead-letter the message and write `task`, which has failed."""

    task: Task


@dataclass(frozen=True, slots=True)
class Cancelled:
    """The worker died after an operator had cancelled the task: write `task`, which is cancelled."""

    task: Task


BeginDecision = Acknowledge | Postpone | Begun | Reopen | TakeOver | Exhausted | Cancelled


def decide_refused_begin(current: Task | None, message: Message, owner: str, now: datetime) -> BeginDecision:
    """Return what a worker does after the table refused its begin; `current` is the task as the table has it.

    `owner` is the lease owner that this begin tried to write. The SDK re-sends a write whose answer was lost, and the
    second one is refused by the first: then the item carries this owner, and the begin has succeeded.
    """
    if current is None:
        return Acknowledge("unknown task")
    if current.lease is not None and current.lease.owner == owner and current.status is Status.PROCESSING:
        return Begun(current)
    if current.epoch > message.epoch:
        return Acknowledge("superseded by a redrive")
    if current.epoch < message.epoch:
        if current.epoch == message.epoch - 1 and current.status is Status.FAILED:
            return Reopen(current)
        return Postpone("of an epoch that has not begun")
    if current.status.terminal:
        return Acknowledge(f"already {current.status}")
    if current.status is Status.PROCESSING and current.lease is not None:
        expired_at = current.lease.until + CLOCK_SKEW_MARGIN
        if now < expired_at:
            return Postpone("running elsewhere", until=expired_at)
        if current.attempts >= current.max_attempts and is_loss_counted(current):
            return Exhausted(worker_lost(current, now))
        if current.cancel_requested_at is not None:
            return Cancelled(cancelled(current, now))
        return TakeOver(current, current.lease)
    if current.next_attempt_at is not None and now < current.next_attempt_at:
        reason = "scheduled" if current.attempts == 0 else "backing off"
        return Postpone(reason, until=current.next_attempt_at, group=current.group)
    # No rule explains the refusal: something else wrote the item. Its message stays for an operator to look at.
    return Postpone(f"in a state that cannot begin ({current.status})")


def is_loss_counted(task: Task) -> bool:
    """Return whether the open attempt of `task`, whose worker died, counts against the task's limit.

    One that shared its worker does not: any of them may have ended the worker.
    """
    uncounted = sum(1 for attempt in task.history if attempt.epoch == task.epoch and attempt.uncounted)
    return not task.history or task.history[-1].beside == 0 or uncounted >= MAX_UNCOUNTED_LOSSES


def is_suspect(task: Task) -> bool:
    """Return whether the attempt of `task` that has begun may end its worker, because an earlier one did or may have.

    A redrive forgives nothing: the next epoch runs the same payload.
    """
    return any(
        attempt.outcome in (None, Outcome.LOST) or (attempt.error is not None and attempt.error.type == WORKER_LOST)
        for attempt in task.history[:-1]
    )


def due_at(task: Task) -> datetime | None:
    """Return the earliest moment at which the running attempt of `task` could begin; None if that is not known."""
    *earlier, _ = task.history
    previous = earlier[-1] if earlier else None
    if task.attempts == 1 and (previous is None or previous.epoch != task.epoch):
        # The time of a redrive is not stored.
        return (task.scheduled_at or task.created_at) if task.epoch == 0 else None
    if previous is None or previous.ended_at is None or previous.backoff_seconds is None:
        return None
    return previous.ended_at + timedelta(seconds=previous.backoff_seconds)


def completed(task: Task, result: str | None, now: datetime) -> Task:
    """Return `task` after its running attempt succeeded with the JSON text `result`."""
    return _settled(
        replace(task, status=Status.COMPLETED, result=result, completed_at=now, last_error=None),
        now,
        Outcome.COMPLETED,
    )


def failed_attempt(
    task: Task,
    error: Failure,
    now: datetime,
    policy: RetryPolicy,
    rng: Random,
    *,
    permanent: bool = False,
    requested_seconds: float | None = None,
) -> Task:
    """Return `task` after its running attempt failed: `RETRYING` with its backoff, or `FAILED`.

    A `permanent` error fails the task with attempts left. `requested_seconds` is the delay that the handler asked for.
    """
    if permanent or task.attempts >= task.max_attempts:
        return _failed(task, error, now, Outcome.FAILED)
    delay = policy.delay_seconds(task.attempts, rng, requested_seconds)
    after = replace(
        task,
        status=Status.RETRYING,
        last_error=error,
        next_attempt_at=now + timedelta(milliseconds=round(delay * 1000)),
    )
    return _settled(after, now, Outcome.FAILED, error, backoff_seconds=round(delay, 3))


def taken_over(task: Task, lease: Lease, beside: int, now: datetime) -> Task:
    """Return `task`, whose worker died, with its next attempt begun under `lease`, `beside` other messages."""
    *earlier, last = task.history
    counted = is_loss_counted(task)
    lost = _lost(last, uncounted=not counted)
    number = task.attempts + 1 if counted else task.attempts
    history = (*earlier, lost, Attempt(number, task.epoch, now, beside=beside))
    return replace(
        task, attempts=number, lease=lease, last_error=lost.error, history=history[-MAX_HISTORY:], updated_at=now
    )


def given_back(task: Task, now: datetime) -> Task:
    """Return `task` as it was before its attempt began: the handler has not run, so the attempt does not count."""
    *earlier, _ = task.history
    has_run = any(attempt.epoch == task.epoch for attempt in earlier)
    return replace(
        task,
        status=Status.RETRYING if has_run else Status.PENDING,
        attempts=task.attempts - 1,
        history=tuple(earlier),
        updated_at=now,
    )


def unknown_type(task: Task, error: Failure, now: datetime) -> Task:
    """Return `task`, begun by a worker that does not know its type: it waits, and is `FAILED` after 15 minutes."""
    since = task.unknown_since or now
    if now - since >= UNKNOWN_TYPE_TIME:
        return _failed(task, error, now, Outcome.FAILED)
    return replace(given_back(task, now), unknown_since=since, last_error=error)


def worker_lost(task: Task, now: datetime) -> Task:
    """Return `task`, `FAILED`, after the worker of its last attempt died."""
    error = Failure(WORKER_LOST, loss_text(0, counted=True))
    return _failed(task, error, now, Outcome.LOST)


def cancelled(task: Task, now: datetime) -> Task:
    """Return `task`, `CANCELLED`: no further attempt begins. Its history stays."""
    return replace(
        task,
        status=Status.CANCELLED,
        updated_at=now,
        cancelled_at=now,
        cancel_requested_at=None,
        next_attempt_at=None,
        history=tuple(map(_lost_if_open, task.history)),
    )


def rescheduled(task: Task, due: datetime | None, now: datetime) -> Task:
    """Return `task`, which waits, so that its next attempt begins at `due`; None: at once."""
    first = due if task.attempts == 0 and task.epoch == 0 else task.scheduled_at
    return replace(task, next_attempt_at=due, scheduled_at=first, updated_at=now)


def reopened(task: Task, now: datetime) -> Task:
    """Return `task` after a redrive: `PENDING` in its next epoch, with no attempts. Its history stays."""
    return replace(
        task,
        status=Status.PENDING,
        epoch=task.epoch + 1,
        attempts=0,
        updated_at=now,
        lease=None,
        next_attempt_at=None,
        unknown_since=None,
        failed_at=None,
        removal=None,
    )


def _failed(task: Task, error: Failure, now: datetime, outcome: Outcome) -> Task:
    after = replace(task, status=Status.FAILED, last_error=error, failed_at=now, next_attempt_at=None)
    return _settled(after, now, outcome, error)


def _settled(
    task: Task,
    now: datetime,
    outcome: Outcome,
    error: Failure | None = None,
    backoff_seconds: float | None = None,
) -> Task:
    """Return `task` with its running attempt closed."""
    *earlier, last = task.history
    ended = replace(
        last,
        # Nothing saw a lost attempt end, so it has no end time.
        ended_at=None if outcome is Outcome.LOST else now,
        outcome=outcome,
        error=None if error is None else Failure(error.type, shortened(error.message, MAX_HISTORY_ERROR_BYTES)),
        backoff_seconds=backoff_seconds,
    )
    history = (*map(_lost_if_open, earlier), ended)
    return replace(task, history=history[-MAX_HISTORY:], updated_at=now, unknown_since=None)


def _lost_if_open(attempt: Attempt) -> Attempt:
    """Return `attempt`, as `LOST` if it was never settled: its worker died."""
    return attempt if attempt.outcome is not None else _lost(attempt)


def _lost(attempt: Attempt, *, uncounted: bool = False) -> Attempt:
    error = Failure(WORKER_LOST, loss_text(attempt.beside, counted=not uncounted))
    return replace(attempt, outcome=Outcome.LOST, error=error, uncounted=uncounted)
