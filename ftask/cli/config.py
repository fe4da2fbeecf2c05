"""`ftask config`: what is in effect, and where it comes from."""

from __future__ import annotations

import os
from typing import Any

from ftask.cli.invocation import LOCAL_STAGE, Invocation


def config(run: Invocation) -> None:
    """Show the settings in effect and where each comes from: flag, environment, file or default."""
    from ftask.render.settings import settings_table

    rows = [{"name": name, "value": value, "source": source} for name, value, source in _settings(run)]
    run.screen.result(rows, lambda: settings_table(rows))


def _settings(run: Invocation) -> list[tuple[str, Any, str]]:
    options, found = run.options, run.config
    stage = found.stage(options.stage)
    file = str(found.path)

    def first(flag: str | None, variables: tuple[str, ...], filed: str | None) -> tuple[str | None, str]:
        """The value, and its source: the first of flag, environment and file that has one."""
        if flag is not None:
            return flag, "flag"
        for variable in variables:
            if os.environ.get(variable):
                return os.environ[variable], f"environment ({variable})"
        return (None, "default") if filed is None else (filed, file)

    if options.stage == os.environ.get("FTASK_STAGE"):
        stage_source = "environment (FTASK_STAGE)"
    else:
        stage_source = "default" if options.stage == LOCAL_STAGE else "flag"
    rows: list[tuple[str, Any, str]] = [
        ("file", None if found.path is None else file, "default"),
        ("stage", options.stage, stage_source),
        ("profile", *first(options.profile, ("AWS_PROFILE",), stage.profile)),
        ("region", *first(options.region, ("AWS_REGION", "AWS_DEFAULT_REGION"), stage.region)),
        ("endpoint_url", *first(options.endpoint_url, (), stage.endpoint_url)),
        ("artifact_bucket", *first(None, (), stage.artifact_bucket)),
        ("protected", stage.protected, file if stage.protected else "default"),
    ]
    rows += [(f"parameters.{name}", value, file) for name, value in sorted(stage.parameters.items())]
    return rows + [(f"tags.{name}", value, file) for name, value in sorted(stage.tags.items())]
