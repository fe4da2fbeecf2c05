"""`ftask types`: the task types."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

from ftask.cli.invocation import Invocation
from ftask.cli.project import load_project
from ftask.core.errors import FtaskError
from ftask.core.manifest import schedule_from_json, types_to_json
from ftask.core.timestamps import now
from ftask.render.statuses import type_table
from ftask.schedules.upcoming import described
from ftask.tasks.manifest import build_manifest


def types(run: Invocation) -> None:
    """Show the task types of this project, or with --stage those that the stage has: arguments, options, purpose.

    A type with a schedule shows in words when it runs, and its next firings.

    Examples:
        ftask types
        ftask types --stage prod -o json
    """
    task_types = _deployed_types(run) if run.options.stage.is_flag else _types_here(run)
    for task_type in task_types:
        if "schedule" in task_type["options"]:
            schedule = schedule_from_json(task_type["options"]["schedule"])
            task_type["options"]["schedule"] = described(schedule, now())
    run.screen.result(task_types, lambda: type_table(task_types))


def _types_here(run: Invocation) -> Sequence[dict[str, Any]]:
    # What the module prints when it is imported is not part of the result.
    with redirect_stdout(sys.stderr):
        return types_to_json(build_manifest(load_project(run)).with_experiment())


def _deployed_types(run: Invocation) -> Sequence[dict[str, Any]]:
    task_types: list[dict[str, Any]] | None = run.api.document().get("x-ftask-types")
    if task_types is None:
        raise FtaskError(
            f"Stage {run.stage_name} does not list its task types: an earlier version of ftask deployed it.",
            f"Deploy it again: ftask deploy --stage {run.stage_name}",
        )
    return task_types
