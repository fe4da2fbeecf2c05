"""What the functions log: the name, the level and the fields of every event, each in one constructor.

`ftask logs`, `top`, `bench`, the saved queries and the dashboard of `stack/template.yaml` rely on these names, and so
do people's own queries. A field whose value is None is not written. No event carries a payload.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from ftask.core.model import WORKER_LOST, Message, Task, loss_text
from ftask.core.raised import MAX_ERROR_BYTES, message_of, type_of
from ftask.core.text import printable, shortened
from ftask.core.timestamps import to_iso

if TYPE_CHECKING:
    from datetime import datetime

    from ftask.core.ports import Job

# Longest line of a task's output that is logged. CloudWatch takes far longer ones, and charges for each byte.
MAX_LINE_BYTES = 8 * 1024


class EventName(StrEnum):
    """What happened."""

    ACCEPTED = "accepted"
    STARTED = "started"
    FINISHED = "finished"
    ATTEMPT_FAILED = "attemptFailed"
    IGNORED = "ignored"
    POSTPONED = "postponed"
    SCHEDULED = "scheduled"
    SKIPPED = "skipped"
    WORKER_LOST = "workerLost"
    ATTEMPT_LOST = "attemptLost"
    LEASE_LOST = "leaseLost"
    CANCELLED = "cancelled"
    MALFORMED = "malformed"
    INFRASTRUCTURE_FAILED = "infrastructureFailed"
    INITIALISATION_FAILED = "initialisationFailed"
    LOG = "log"
    INVOCATION = "invocation"
    FAILURES = "failures"
    ATTEMPTS = "attempts"


# Sums over the other events, for machines.
SUMS = frozenset({EventName.INVOCATION, EventName.FAILURES, EventName.ATTEMPTS})


class Event(NamedTuple):
    """One event: what is logged, and what a meter counts."""

    name: EventName
    fields: Mapping[str, Any]
    level: str = "INFO"


def accepted(task: Task) -> Event:
    """The API answered a client that `task` is accepted."""
    return Event(EventName.ACCEPTED, {"taskId": task.task_id, "type": task.type})


def started(task: Task, wait_ms: int | None) -> Event:
    """An attempt began, `wait_ms` milliseconds after it was due; None if that is not known."""
    lease_until = None if task.lease is None else to_iso(task.lease.until)
    return Event(EventName.STARTED, _attempt(task) | {"waitMs": wait_ms, "leaseUntil": lease_until})


def finished(after: Task, duration_ms: int, wait_ms: int | None = None) -> Event:
    """The handler returned or raised, which makes the task `after`; `wait_ms` is that of its start."""
    error_type = None if after.last_error is None else after.last_error.type
    fields = {"status": str(after.status), "waitMs": wait_ms, "durationMs": duration_ms, "errorType": error_type}
    return Event(EventName.FINISHED, _attempt(after) | fields)


def attempt_failed(task_id: str, task_type: str, epoch: int, attempt: int, error: BaseException, trace: str) -> Event:
    """The user's function raised `error`; `trace` is its bounded traceback."""
    fields = {"taskId": task_id, "epoch": epoch, "attempt": attempt, "type": task_type}
    return Event(EventName.ATTEMPT_FAILED, fields | {"errorType": type_of(error), "traceback": trace}, "ERROR")


def ignored(message: Message, reason: str) -> Event:
    """The message has nothing left to do and is deleted."""
    return Event(EventName.IGNORED, _which_task(message) | {"reason": reason})


def postponed(message: Message, reason: str, visible_in_seconds: int | None, wait_ms: int | None = None) -> Event:
    """The message stays in the queue; without `visible_in_seconds` until its visibility timeout ends.

    With `wait_ms`, the task has been due for so long, and only this worker handed it back.
    """
    fields = {"reason": reason, "visibleInSeconds": visible_in_seconds, "waitMs": wait_ms}
    return Event(EventName.POSTPONED, _which_task(message) | fields)


def scheduled(message: Message, reason: str, due: datetime) -> Event:
    """The message is deleted, and a schedule sends it again for `due`."""
    return Event(EventName.SCHEDULED, _which_task(message) | {"reason": reason, "dueAt": to_iso(due)})


def skipped(schedule: str, at: datetime, reason: str) -> Event:
    """The firing of a schedule makes no task, and its message is deleted."""
    return Event(EventName.SKIPPED, {"type": schedule, "firingAt": to_iso(at), "reason": reason})


def postponed_unread(message_id: str, reason: str, wait_ms: int | None = None) -> Event:
    """The message, sent `wait_ms` ago, stays in the queue for a worker of a later version: this one cannot read it."""
    return Event(EventName.POSTPONED, {"messageId": message_id, "reason": reason, "waitMs": wait_ms}, "WARNING")


def worker_lost(task: Task) -> Event:
    """The worker of the last attempt died: the task has failed."""
    return Event(EventName.WORKER_LOST, _attempt(task) | {"errorType": WORKER_LOST}, "ERROR")


def attempt_lost(task: Task, *, counted: bool) -> Event:
    """The worker of the open attempt of `task` died, and the task is attempted again; is that one `counted`?"""
    beside = task.history[-1].beside if task.history else 0
    fields = {"beside": beside, "counted": counted, "reason": loss_text(beside, counted=counted)}
    return Event(EventName.ATTEMPT_LOST, _attempt(task) | fields, "WARNING")


def lease_lost(task: Task) -> Event:
    """The attempt outlived its lease, and its outcome was not written."""
    return Event(EventName.LEASE_LOST, _attempt(task), "WARNING")


def cancelled(task: Task) -> Event:
    """The task was cancelled while it ran, and this attempt was its last."""
    return Event(EventName.CANCELLED, _attempt(task))


def malformed(message_id: str, reason: str) -> Event:
    """The message is not a task's, and went to the dead-letter queue."""
    return Event(EventName.MALFORMED, {"messageId": message_id, "reason": reason}, "ERROR")


def printed(job: Job | None, stream: str, text: str) -> Event:
    """A child process printed `text` to `stream` (stdout or stderr) while it ran `job`; None: while it started."""
    which = {} if job is None else {"taskId": job.task_id, "type": job.type}
    level = "WARNING" if stream == "stderr" else "INFO"
    return Event(EventName.LOG, which | {"logger": stream, "message": shortened(text, MAX_LINE_BYTES)}, level)


def infrastructure_failed(error: Exception, message_id: str | None = None) -> Event:
    """DynamoDB or SQS failed; `message_id` is the message that the worker was at."""
    fields = {
        "messageId": message_id,
        "errorType": type(error).__name__,
        "errorMessage": printable(str(error), MAX_ERROR_BYTES),
    }
    return Event(EventName.INFRASTRUCTURE_FAILED, fields, "ERROR")


def initialisation_failed(error: Exception, trace: str) -> Event:
    """The worker could not be made, so the invocation fails; `trace` is a bounded traceback."""
    fields = {"errorType": type_of(error), "errorMessage": message_of(error), "traceback": trace}
    return Event(EventName.INITIALISATION_FAILED, fields, "ERROR")


def invocation(
    busy_ms: float, records: int, records_ms: float, usage: Mapping[str, Any], metrics: Mapping[str, Any]
) -> Event:
    """An invocation ended, after `busy_ms`: its messages, what :class:`~ftask.core.metrics.Usage` counted, its metrics.

    `records` and `records_ms`, the time that all of them took together, are left out where there is one message.
    """
    fields = {"records": records, "recordsMs": records_ms} if records > 1 else {}
    return Event(EventName.INVOCATION, {"busyMs": busy_ms, **fields, **usage, **metrics})


def failures(metrics: Mapping[str, Any]) -> Event:
    """Tasks failed in this invocation: their number, of one type of error."""
    return Event(EventName.FAILURES, metrics)


def attempts(metrics: Mapping[str, Any]) -> Event:
    """Attempts of one of the user's types ended in this invocation: how, and how long they took."""
    return Event(EventName.ATTEMPTS, metrics)


def _which_task(source: Task | Message) -> dict[str, Any]:
    return {"taskId": source.task_id, "epoch": source.epoch}


def _attempt(task: Task) -> dict[str, Any]:
    return {"taskId": task.task_id, "epoch": task.epoch, "attempt": task.attempts, "type": task.type}
