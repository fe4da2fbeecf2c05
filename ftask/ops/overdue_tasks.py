"""Unfinished tasks that no message in the queue will start: found by a scan, repaired by a message for each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.item import item_to_task
from ftask.core.model import Message, Status, Task
from ftask.core.sqs import MAX_BATCH
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.core.transitions import CLOCK_SKEW_MARGIN
from ftask.ops import consumption
from ftask.ops.finding import Finding, Level
from ftask.ops.scan import scan

CHECK = "tasks"
# How long a task may wait for its turn after its message is due, before it counts as overdue.
GRACE = timedelta(seconds=60)


def check_tasks(stage: Stage) -> Iterator[Finding]:
    """Report the tasks that wait longer than their message explains."""
    waiting = stage.queue_depth().visible
    paused = consumption.state(stage) != consumption.ENABLED
    patience = _visibility_timeout(stage) + GRACE
    moment = now()
    unfinished = 0
    overdue: list[Message] = []
    for task in _unfinished_tasks(stage):
        unfinished += 1
        if moment > message_due(task) + patience:
            overdue.append(Message(task.task_id, task.epoch))
    count = len(overdue)
    if count and (paused or waiting):
        reason = "consumption is paused" if paused else f"the queue holds {plural(waiting, 'message')}"
        wait = "waits" if count == 1 else "wait"
        yield Finding(CHECK, Level.NOTE, f"{plural(count, 'task')} {wait} longer than usual: {reason}.")
    elif count:
        example = overdue[0].task_id
        yield Finding(
            CHECK,
            Level.ERROR,
            f"1 task, {example}, is overdue: no message in the queue will start it."
            if count == 1
            else f"{count:,} tasks, like {example}, are overdue: no message in the queue will start them.",
            f"Send a message for each; a duplicate does no harm: {command_on(stage.target, 'doctor --fix')}",
            lambda: _send_messages(stage, overdue),
        )
    else:
        yield Finding(CHECK, Level.OK, f"{plural(unfinished, 'task')} in progress, none overdue")


def message_due(task: Task) -> datetime:
    """Return when the queue delivers the message of an unfinished task at the latest, if it has nothing else to do."""
    if task.status is Status.PROCESSING and task.lease is not None:
        return task.lease.until + CLOCK_SKEW_MARGIN
    return task.next_attempt_at or task.updated_at


def _unfinished_tasks(stage: Stage) -> Iterator[Task]:
    unfinished = {status.lower(): str(status) for status in Status if not status.terminal}
    condition = f"#status IN ({', '.join(f':{name}' for name in unfinished)})"
    pages = scan(stage, condition, {"#status": "status"}, **unfinished)
    for page in pages:
        yield from map(item_to_task, page.items)


def _visibility_timeout(stage: Stage) -> timedelta:
    with translate_aws_errors():
        attributes = stage.target.sqs.get_queue_attributes(
            QueueUrl=stage.outputs.queue_url, AttributeNames=["VisibilityTimeout"]
        )["Attributes"]
    return timedelta(seconds=int(attributes["VisibilityTimeout"]))


def _send_messages(stage: Stage, messages: list[Message]) -> str:
    batches = (messages[start : start + MAX_BATCH] for start in range(0, len(messages), MAX_BATCH))
    with translate_aws_errors():
        sent = sum(len(stage.queue.send_many(batch)) for batch in batches)
    return f"sent {plural(sent, 'message')} again"
