"""The user's own tasks of the project in this folder, imported into this process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ftask.cli.config_file import Config, TasksConfig
from ftask.cli.invocation import Invocation
from ftask.core.errors import FtaskError
from ftask.core.local_stage import is_local
from ftask.deploy.requirements import requires
from ftask.deploy.worker_view import see_as_a_worker
from ftask.tasks.context import running_or_none
from ftask.tasks.conversion import convert
from ftask.tasks.declaration import Registry
from ftask.tasks.errors import ModuleLoadError
from ftask.tasks.loading import load_tasks, set_environment


def require_tasks(config: Config) -> tuple[Path, TasksConfig]:
    """Return the path of ftask.toml and its table `[tasks]`."""
    if config.path is None:
        raise FtaskError("No ftask.toml in this folder or above it.", "Begin a project with: ftask init")
    if config.tasks is None:
        raise FtaskError(f"{config.path} has no table [tasks].", 'Add these lines:\n[tasks]\nmodule = "tasks"')
    return config.path, config.tasks


def load_project(run: Invocation) -> Registry:
    """Import the module that `[tasks] module` of ftask.toml names, and return its tasks.

    The variables of `[tasks.environment]` and, on a local stage, the values of `[local.secrets]` are set, unless the
    environment has them. The traceback of an import that failed goes to stderr.
    """
    config = run.config
    path, tasks = require_tasks(config)
    settings = config.stage_tasks(run.stage_name) or tasks
    local = config.local.secrets if is_local(run.stage_name) else {}
    set_environment({**settings.environment, **local, **os.environ})
    for name in sorted(settings.secrets.keys() - os.environ.keys()):
        run.screen.note(
            f"The secret {name} is not read here; set the environment variable {name} if the task needs it."
        )
    if (project := config.project(run.stage_name)) is not None:
        see_as_a_worker(project, lambda: running_or_none() is not None)
        convert(by_pydantic=requires(project.requirements, "pydantic"))
    sys.path.insert(0, str(path.absolute().parent))
    try:
        return load_tasks(tasks.module)
    except ModuleLoadError as error:
        if error.traceback:
            run.screen.warn(error.traceback)
        raise
