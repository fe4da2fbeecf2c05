"""`ftask schedule pause` and `ftask schedule resume`: stop a schedule from making tasks, and let it make them again."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.cli.invocation import Invocation
from ftask.core.timestamps import now, to_iso
from ftask.ops.schedules import catch_up, find_schedule

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the schedule, which is that of its task type.")]


def pause(run: Invocation, name: Name) -> None:
    """Stop a schedule from making tasks. A task that it has made goes on; other schedules and tasks do too.

    The pause lasts over deployments.

    Examples:
        ftask schedule pause daily_report
    """
    find_schedule(run.api, name)
    with translate_aws_errors():
        record = run.stage.schedule_records.pause(name, now())
    resume = command_on(run.target, f"schedule resume {name}")
    run.screen.result(
        {"name": name, "pausedAt": None if record.paused_at is None else to_iso(record.paused_at)},
        lambda: f"Paused {name}: its firings make no tasks. Let it go on with: {resume}",
    )


def resume(run: Invocation, name: Name) -> None:
    """Let a paused schedule make tasks again. With catch_up=True the last firing that was missed runs once.

    Examples:
        ftask schedule resume daily_report
    """
    schedule = find_schedule(run.api, name)
    with translate_aws_errors():
        (record,) = run.stage.schedule_records.read([name])
        run.stage.schedule_records.resume(name)
    # Also if it was not paused: an earlier command may have been interrupted between the two.
    is_repeatable = record.paused_at is not None or schedule.cron is not None
    missed = catch_up(run.stage, schedule, record, now()) if is_repeatable else None
    text = f"{name} is on." if record.paused_at is None else f"Resumed {name}."
    if missed is not None:
        text += f" It makes up for the firing of {to_iso(missed)}."
    run.screen.result(
        {"name": name, "resumed": record.paused_at is not None, "missed": None if missed is None else to_iso(missed)},
        lambda: text,
    )
