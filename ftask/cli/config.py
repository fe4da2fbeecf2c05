"""`ftask config`: the settings in effect, and where each comes from."""

from __future__ import annotations

from typing import Any

from ftask.cli.invocation import Invocation
from ftask.cli.options import DEFAULT
from ftask.render.tables import plain_table


def config(run: Invocation) -> None:
    """Show the settings in effect and where each comes from: flag, environment, file, AWS profile or default.

    Examples:
        ftask config --stage prod
    """
    rows = [{"name": name, "value": value, "source": source} for name, value, source in _rows(run)]
    table = plain_table("setting", "value", "from")
    for name, value, source in _rows(run):
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        table.add_row(name, text, source)
    run.screen.result(rows, lambda: table)


def _rows(run: Invocation) -> list[tuple[str, Any, str]]:
    settings, file = run.settings, run.config
    stage, path = file.stage(run.stage_name), str(file.path)
    rows: list[tuple[str, Any, str]] = [("file", None if file.path is None else path, DEFAULT)]
    for name in ("stage", "profile", "credentials", "region", "endpoint_url"):
        setting = getattr(settings, name)
        rows.append((name, setting.value, setting.source))
    rows += [
        ("artifact_bucket", stage.artifact_bucket, path if stage.artifact_bucket else DEFAULT),
        ("role_arn", stage.role_arn, path if stage.role_arn else DEFAULT),
        ("protected", stage.protected, path if stage.protected else DEFAULT),
    ]
    rows += [(f"parameters.{name}", value, path) for name, value in sorted(stage.parameters.items())]
    rows += [(f"tags.{name}", value, path) for name, value in sorted(stage.tags.items())]
    tasks = file.stage_tasks(run.stage_name)
    if tasks is None:
        return rows
    names = ("module", "include", "requirements", "policy")
    rows += [(f"tasks.{name}", value, path) for name in names if (value := getattr(tasks, name))]
    rows += [(f"tasks.environment.{name}", value, path) for name, value in sorted(tasks.environment.items())]
    return rows + [(f"tasks.secrets.{name}", arn, path) for name, arn in sorted(tasks.secrets.items())]
