"""`ftask get`: one task."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from ftask.cli.invocation import Invocation
from ftask.cli.selecting import TaskId
from ftask.core.errors import FtaskError
from ftask.ops.logs import last_traceback
from ftask.render.tasks import detail


def get(
    run: Invocation,
    task_id: TaskId,
    traceback: Annotated[
        bool | None,
        typer.Option(
            "--traceback/--no-traceback",
            help="Read the traceback of the last failed attempt from the log (default: yes, with -o json no).",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Show one task: state, payload, every attempt, and the traceback of the last one that failed.

    Examples:
        ftask get ID
        ftask get ID -o json --traceback
    """
    task = run.api.get(run.task_id(task_id))
    reads_log = not run.screen.json if traceback is None else traceback
    text = _traceback(run, task) if reads_log else None

    def draw() -> Any:
        return detail(task, text)

    run.shown_ids([task["taskId"]])
    run.screen.result(task | ({"traceback": text} if traceback else {}), draw)


def _traceback(run: Invocation, task: dict[str, Any]) -> str | None:
    """Return the traceback; warn where the log cannot be read, for the task can be shown without it."""
    try:
        return last_traceback(run.stage, task)
    except FtaskError as error:
        run.screen.warn(f"The traceback is in the worker's log, which cannot be read: {error.message}")
        return None
