"""What a start of the local engine makes up for: the engine fires nothing while it is stopped, and forgets it."""

from __future__ import annotations

from contextlib import suppress

from ftask.aws.stack import find_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.timestamps import now
from ftask.deploy.changes import deployed_types
from ftask.ops.schedules import catch_up


def catch_up_after_start(target: Target) -> None:
    """Send the last firing that each schedule with catch_up=True has missed, of the stage at `target`."""
    with suppress(FtaskError):  # the command itself says what is wrong with the stage
        stack = find_stack(target)
        if stack is None or stack.is_data_only:
            return
        types = {task_type.name: task_type.options.schedule for task_type in deployed_types(stack) or ()}
        schedules = {name: schedule for name, schedule in types.items() if schedule is not None and schedule.catch_up}
        stage = Stage(target, stack)
        for record in stage.schedule_records.read(schedules):
            if record.paused_at is None:
                catch_up(stage, schedules[record.schedule], record, now())
