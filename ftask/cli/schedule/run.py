"""`ftask schedule run`: run a scheduled task now."""

from __future__ import annotations

from ftask.aws.stack import command_on
from ftask.cli.invocation import Invocation
from ftask.cli.schedule.pause import Name
from ftask.client.errors import ApiError
from ftask.client.keys import new_key
from ftask.client.requests import TaskRequest
from ftask.core.errors import FtaskError
from ftask.core.labels import UNTIL_DONE
from ftask.ops.schedules import find_schedule
from ftask.render.tasks import accepted


def run(run: Invocation, name: Name) -> None:
    """Run a scheduled task now, besides its schedule, also while that is paused. One runs at a time.

    Examples:
        ftask schedule run daily_report
    """
    find_schedule(run.api, name)
    try:
        answer = run.api.submit(TaskRequest("{}", new_key(), name, {"unique": UNTIL_DONE}))
    except ApiError as error:
        if error.holder is None:
            raise
        raise FtaskError(
            f"The last run of {name} has not ended: task {error.holder}.",
            f"Follow it with: {command_on(run.target, f'watch {error.holder}')}",
        ) from None
    shown = run.shown_ids([answer.task_id])
    run.screen.result(answer.json(), lambda: accepted(shown[answer.task_id], answer.status))
