"""`ftask get`: one task."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli.invocation import Invocation


def get(run: Invocation, task_id: Annotated[str, typer.Argument(metavar="ID", help="Id of the task.")]) -> None:
    """Show one task: state, payload and every attempt."""
    from ftask.aws.api import ApiClient
    from ftask.core.model import EXPERIMENT_TYPE
    from ftask.render.tasks import detail

    task = ApiClient(run.target, run.outputs.api_url).get(task_id)
    run.screen.result(task, lambda: detail(task))
    if "lastError" in task and task.get("type", EXPERIMENT_TYPE) != EXPERIMENT_TYPE:
        run.screen.note(f"What its attempts logged, with tracebacks: ftask dlq show {task['taskId']}")
