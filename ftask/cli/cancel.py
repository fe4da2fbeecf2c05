"""`ftask cancel`: cancel tasks."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.core.text import plural


def cancel(
    run: Invocation,
    task_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The tasks' ids.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> ExitCode:
    """Cancel tasks that have not ended. A running attempt may end, and is not retried."""
    from ftask.aws.errors import translate_aws_errors
    from ftask.core.cancellation import Cancellation

    stage, screen = run.stage, run.screen
    canceller = stage.canceller
    task_ids = list(dict.fromkeys(task_ids))
    run.confirm(f"Cancel {plural(len(task_ids), 'task')}?", yes=yes)
    said = {
        Cancellation.CANCELLED: "cancelled",
        Cancellation.REQUESTED: "an attempt is running: it may end, and no other will follow",
        Cancellation.ENDED: "had ended before",
        Cancellation.UNKNOWN: "there is no such task",
        Cancellation.BUSY: "changed each time it was looked at; cancel it again",
    }
    answers = []
    for task_id in task_ids:
        if stage.task(task_id) is None:
            outcome, task = Cancellation.UNKNOWN, None
        else:
            with translate_aws_errors():
                outcome, task = canceller.cancel(task_id)
        answers.append((task_id, outcome, task))
    value = [
        {"taskId": task_id, "outcome": str(outcome), "status": str(task.status) if task else None}
        for task_id, outcome, task in answers
    ]
    lines = [
        f"{task_id}  {said[outcome]}" + (f" ({task.status})" if task and outcome is Cancellation.ENDED else "")
        for task_id, outcome, task in answers
    ]
    screen.result(value, lambda: "\n".join(lines))
    done = {Cancellation.CANCELLED, Cancellation.REQUESTED}
    return ExitCode.DONE if all(outcome in done for _, outcome, _ in answers) else ExitCode.FAILED
