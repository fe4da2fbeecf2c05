"""`ftask cancel`: cancel tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.yes import Yes
from ftask.core.text import plural

if TYPE_CHECKING:
    from ftask.ops.cancel import CancelResult


def cancel(
    run: Invocation,
    task_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of the tasks.")],
    yes: Yes = False,
) -> ExitCode:
    """Cancel tasks that have not ended. A running attempt may finish; no further one begins."""
    from ftask.ops.cancel import cancel_tasks

    stage = run.stage
    run.confirm(f"Cancel {plural(len(set(task_ids)), 'task')}?", yes=yes)
    results = cancel_tasks(stage, task_ids)
    run.screen.result(
        [result.json() for result in results],
        lambda: "\n".join(f"{result.task_id}  {_describe(result)}" for result in results),
    )
    return ExitCode.DONE if all(result.is_effective for result in results) else ExitCode.FAILED


def _describe(result: CancelResult) -> str:
    from ftask.core.cancellation import Cancellation

    return {
        Cancellation.CANCELLED: "cancelled",
        Cancellation.REQUESTED: "an attempt is running: it may finish, and no further one begins",
        Cancellation.ENDED: f"had ended before ({result.status})",
        Cancellation.UNKNOWN: "does not exist",
        Cancellation.BUSY: "its state kept changing; cancel it again",
    }[result.outcome]
