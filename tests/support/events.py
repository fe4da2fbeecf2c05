"""One of every event that the functions log, with every field that it can have."""

from __future__ import annotations

from ftask.core import events
from ftask.core.events import Event
from ftask.core.metrics import Meter, Usage
from ftask.core.model import Attempt, Failure, Message, Status
from ftask.core.ports import Job
from tests.support.builders import TASK_ID, a_running_task, a_task
from tests.support.clock import EPOCH

MESSAGE = Message(TASK_ID, 0)
RUNNING = a_running_task()
JOB = Job(TASK_ID, RUNNING.type, 0, 1, 2, {}, EPOCH)
FAILED = a_running_task(2, status=Status.FAILED, last_error=Failure("ValueError", "no"))


def events_of_tasks() -> list[Event]:
    """Each event of a task or a message, as the functions make them."""
    return [
        events.accepted(a_task()),
        events.started(RUNNING, 5),
        events.finished(FAILED, 250, 5),
        events.attempt_failed(TASK_ID, "send", 0, 2, ValueError("no"), "ValueError: no"),
        events.ignored(MESSAGE, "already COMPLETED"),
        events.postponed(MESSAGE, "backing off", 2),
        events.postponed(MESSAGE, "no time left in this invocation", 0, 61_500),
        events.scheduled(MESSAGE, "due later", EPOCH),
        events.skipped("report", EPOCH, "the schedule is paused"),
        events.postponed_unread("m", "message format 2; this worker knows 1", 1000),
        events.worker_lost(RUNNING),
        events.attempt_lost(a_running_task(history=(Attempt(1, 0, EPOCH, beside=9),)), counted=False),
        events.lease_lost(RUNNING),
        events.cancelled(RUNNING),
        events.malformed("m", "the body is not JSON"),
        events.infrastructure_failed(OSError("gone"), "m"),
        events.initialisation_failed(OSError("gone"), "OSError: gone"),
        events.printed(JOB, "stderr", "a line"),
    ]


def sums() -> list[Event]:
    """What a meter adds up at the end of an invocation in which all of these happened."""
    written: list[Event] = []
    usage = Usage()
    meter = Meter("ftask-test", usage, written.append, lambda: EPOCH, lambda: 0.0, types=["experiment"])
    with meter.invocation(), meter.record():
        usage.called("dynamodb.UpdateItem")
        usage.consumed(write_units=2, read_units=1)
        for event in events_of_tasks():
            meter.observe(event)
        for status in (Status.COMPLETED, Status.RETRYING):
            meter.observe(events.finished(a_running_task(status=status), 250))
        # A second type of error, and an attempt of a type that nobody declared: so that each kind of sum has its line.
        other = a_running_task(status=Status.FAILED, last_error=Failure("KeyError", "no"), type="removed")
        meter.observe(events.finished(other, 250))
    return [event for event in written if event.name in events.SUMS]
