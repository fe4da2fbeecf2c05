"""`ftask reschedule`: change when a waiting task runs."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.cli.due_options import At, Delay, Timezone, due_time
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import TaskId
from ftask.cli.usage import UsageError
from ftask.client.errors import UnknownTaskError
from ftask.core.codec import task_to_json
from ftask.core.errors import FtaskError
from ftask.core.model import Status
from ftask.core.timestamps import now
from ftask.render.tasks import when_due


def reschedule(
    run: Invocation,
    task_id: TaskId,
    at: At = None,
    delay: Delay = None,
    at_once: Annotated[bool, typer.Option("--now", help="Run at once.")] = False,
    timezone: Timezone = None,
) -> None:
    """Change when a waiting task runs: its first attempt, or the one after a backoff.

    Examples:
        ftask reschedule ID --at 2027-01-01T09:00Z
        ftask reschedule ID --at 2027-01-01T09:00 --timezone Europe/Kyiv
        ftask reschedule ID --now
    """
    if at_once and (at, delay, timezone) != (None, None, None):
        raise UsageError("--now stands alone, without --at, --delay and --timezone.")
    due = None if at_once else due_time(delay, at, timezone, now())
    if due is None and not at_once:
        raise UsageError("Give --at, --delay or --now.")
    task_id = run.task_id(task_id)
    task = run.stage.task(task_id)
    if task is None:
        raise UnknownTaskError(task_id)
    if not task.status.waiting:
        command = f"dlq redrive --task {task_id}" if task.status is Status.FAILED else f"get {task_id}"
        raise FtaskError(
            f"Task {task_id} is {task.status}; only a waiting task can be rescheduled.", command_on(run.target, command)
        )
    with translate_aws_errors():
        after = run.stage.rescheduler.reschedule(task, due)
    if after is None:
        raise FtaskError(
            f"Task {task_id} changed meanwhile.", f"Look at it: {command_on(run.target, f'get {task_id}')}"
        )
    shown = run.shown_ids([task_id])
    run.screen.result(task_to_json(after), lambda: f"{shown[task_id]}  {when_due(after, now())}")
