"""Unfinished tasks that no message in the queue will start: found by a scan, repaired by a message for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta

from ftask.actions.peek import peek
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.stage import QueueDepth, Stage
from ftask.core.errors import FtaskError
from ftask.core.execution import LONGEST_WAIT
from ftask.core.letters import Verdict
from ftask.core.model import Message, Status, Task
from ftask.core.sqs import MAX_BATCH
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.core.transitions import CLOCK_SKEW_MARGIN
from ftask.doctor.finding import Finding, Level
from ftask.selection.scan import unfinished as find_unfinished

CHECK = "tasks"
# How long a task may wait for its turn after its message is due, before it counts as overdue.
GRACE = timedelta(seconds=60)
# More waiting messages than this are not looked at.
MOST_MESSAGES = 1_000


def check_tasks(stage: Stage, *, is_consuming: bool) -> Iterator[Finding]:
    """Report the tasks that wait longer than their message explains, and messages whose task is gone."""
    patience = stage.visibility_timeout + GRACE
    before = stage.queue_depth().total
    moment = now()
    unfinished: set[str] = set()
    # A schedule sends the messages of these, so none has to be in the queue.
    scheduled = 0
    overdue: list[Message] = []
    for task in find_unfinished(stage):
        unfinished.add(task.task_id)
        scheduled += message_due(task) > moment + LONGEST_WAIT
        if moment > message_due(task) + patience:
            overdue.append(task.message)
    depth = stage.queue_depth()
    # Tasks began and ended during the scan.
    messages = max(before, depth.total)
    if overdue and messages >= len(unfinished) - scheduled:
        yield _slow(len(overdue), depth, is_consuming=is_consuming)
    elif overdue:
        yield _stuck(stage, overdue, messages, len(unfinished))
    else:
        later = f", {scheduled:,} of them due later" if scheduled else ""
        yield Finding(CHECK, Level.OK, f"{plural(len(unfinished), 'task')} in progress{later}, none overdue")
    if not is_consuming and messages > len(unfinished):
        yield from _messages_of_deleted_tasks(stage)


def _slow(count: int, depth: QueueDepth, *, is_consuming: bool) -> Finding:
    """Return the finding for tasks that are late although the queue has a message for every unfinished task.

    A message in flight comes back: its worker runs, waits for a backoff, or has died.
    """
    if not is_consuming:
        reason = "the worker does not consume"
    elif depth.visible:
        reason = f"the queue holds {plural(depth.visible, 'message')}"
    else:
        reason = f"{plural(depth.in_flight, 'message')} in flight come back when their visibility timeout ends"
    wait = "waits" if count == 1 else "wait"
    return Finding(CHECK, Level.NOTE, f"{plural(count, 'task')} {wait} longer than usual: {reason}.")


def _stuck(stage: Stage, overdue: list[Message], messages: int, unfinished: int) -> Finding:
    count, example = len(overdue), overdue[0].task_id
    subject = f"1 task, {example}, is overdue" if count == 1 else f"{count:,} tasks, like {example}, are overdue"
    reason = (
        f"the queue holds {plural(messages, 'message')} for {plural(unfinished, 'unfinished task')}."
        if messages
        else "no message in the queue will start " + ("it." if count == 1 else "them.")
    )
    return Finding(
        CHECK,
        Level.ERROR,
        f"{subject}: {reason}",
        f"Send a message for each; a duplicate does no harm: {command_on(stage.target, 'doctor --fix')}",
        lambda: _send_messages(stage, overdue),
    )


def _messages_of_deleted_tasks(stage: Stage) -> Iterator[Finding]:
    """Look at the messages that wait; while the worker consumes, it drops those of a deleted task at once."""
    with closing(peek(stage, MOST_MESSAGES, reader=stage.queue_reader)) as letters:
        deleted = {peeked.message.task_id for peeked in letters if peeked.message and peeked.verdict is Verdict.UNKNOWN}
    if deleted:
        count, example = len(deleted), min(deleted)
        yield Finding(
            CHECK,
            Level.WARNING,
            f"1 task, {example}, was deleted from the table and has a message in the queue."
            if count == 1
            else f"{count:,} tasks, like {example}, were deleted from the table and have messages in the queue.",
            "They never run: the worker drops such messages. Restore their items from the table's backup (point-in-time"
            " recovery) before you resume, or submit the work again.",
        )


def message_due(task: Task) -> datetime:
    """Return when the queue delivers the message of an unfinished task at the latest, if it has nothing else to do."""
    if task.status is Status.PROCESSING and task.lease is not None:
        return task.lease.until + CLOCK_SKEW_MARGIN
    return task.next_attempt_at or task.updated_at


def _send_messages(stage: Stage, messages: list[Message]) -> str:
    batches = (messages[start : start + MAX_BATCH] for start in range(0, len(messages), MAX_BATCH))
    with translate_aws_errors():
        sent = sum(len(stage.queue.send_many(batch)) for batch in batches)
    if sent < len(messages):
        raise FtaskError(f"SQS accepted {sent:,} of {plural(len(messages), 'message')}.", "Run the command again.")
    return f"sent {plural(sent, 'message')} again"
