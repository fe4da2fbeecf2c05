"""`ftask schedule ls`: the schedules of a stage."""

from __future__ import annotations

from ftask.cli.invocation import Invocation
from ftask.core.timestamps import now
from ftask.ops.schedules import deployed_schedules, read_states
from ftask.render.schedules import schedule_table


def ls(run: Invocation) -> None:
    """List the schedules: when they run in words, the next five firings, and how the last one ended.

    Examples:
        ftask schedule ls
        ftask schedule ls --stage prod -o json
    """
    states = read_states(run.stage, deployed_schedules(run.api))
    shown = run.shown_ids(state.task.task_id for state in states if state.task is not None)
    if not states:
        run.screen.note('No task type has a schedule. Declare one with: @task(cron="0 6 * * ? *")')
    schedules = [state.json(now()) for state in states]
    run.screen.result(schedules, lambda: schedule_table(schedules, shown))
