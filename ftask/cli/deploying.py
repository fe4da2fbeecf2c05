"""What `deploy`, `dev`, `package` and `remove` share: their options, the deployment of a folder, the stack's events."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from ftask.aws.stack import MANAGED_PARAMETERS, command_on, find_stack
from ftask.cli.config_file import Config
from ftask.cli.invocation import Invocation
from ftask.core.timestamps import now
from ftask.deploy.deployment import Deployment
from ftask.deploy.project import Project
from ftask.deploy.stack_events import StackEvent
from ftask.deploy.template import read_template
from ftask.home import state_folder
from ftask.home.state_folder import default_root, unusable
from ftask.local.runtime import runtime_python
from ftask.render.deploy import StackProgress, event_line


def _settable_parameters() -> list[str]:
    # Read line by line: the template's YAML has tags that need a special parser.
    block = read_template().partition("\nParameters:\n")[2]
    declared = re.match(r"(?:(?:[ #].*)?\n)*", block)
    names = re.findall(r"^  (\w+):", declared[0] if declared else "", re.MULTILINE)
    return [f"{name}=" for name in names if name not in MANAGED_PARAMETERS]


Param = Annotated[
    list[str] | None,
    typer.Option(
        "--param",
        "-p",
        metavar="NAME=VALUE",
        autocompletion=_settable_parameters,
        help="Set a parameter of the stack; others keep their values.",
    ),
]
Upgrade = Annotated[
    bool, typer.Option("--upgrade", help="Install the newest dependencies that the requirements allow.")
]
ArtifactBucket = Annotated[
    str | None,
    typer.Option(metavar="BUCKET", help="Bucket for the code archives, instead of the one that ftask creates."),
]


def importing_python(project: Project | None) -> str:
    """Return the interpreter that imports the tasks: one with what AWS Lambda's runtime has, and nothing else.

    So a package that only ftask's own environment has is reported as missing before the deployment.
    """
    if project is None:
        return sys.executable
    root = default_root()
    try:
        return str(runtime_python(root))
    except OSError as error:
        raise unusable(root, error) from error


def deployment_of(
    run: Invocation,
    project: Project | None,
    overrides: Mapping[str, str],
    own_bucket: str | None = None,
    role_arn: str | None = None,
    *,
    upgrade: bool = False,
    config: Config | None = None,
) -> Deployment:
    """Return the deployment of this folder to the stage of the command."""
    config = config or run.config
    configured = config.stage(run.stage_name)
    is_here = run.settings.uses_engine
    return Deployment(
        run.target,
        overrides,
        project,
        configured.tags,
        own_bucket,
        role_arn or configured.role_arn,
        protected=configured.protected,
        python=importing_python(project),
        upgrade=upgrade,
        local_buckets=config.local.buckets if is_here else (),
        local_secrets=config.local.secrets if is_here else {},
        progress=run.screen.note,
        warn=run.screen.warn,
    )


def deployed_project(run: Invocation) -> Path | None:
    """Return the folder of the project whose tasks the stage of this machine has; None if unknown, or elsewhere."""
    return state_folder.deployed_project(run.stage_name) if run.settings.uses_engine else None


def confirm_other_project(run: Invocation, project: Project, *, yes: bool = False) -> None:
    """Ask before the tasks of another project on this machine are replaced."""
    before = deployed_project(run)
    if before in (None, project.root) or find_stack(run.target) is None:
        return
    run.screen.warn(
        f"Stage {run.stage_name} has the tasks of another project, {before}. For a separate stage,"
        f' add to its ftask.toml, above the first table: stage = "local-{_slug(project)}"'
    )
    run.confirm(
        f"Replace the tasks of {before}?", yes=yes, hint=f"To replace them: {command_on(run.target, 'deploy --yes')}"
    )


def remember_project(run: Invocation, root: Path | None) -> None:
    """Note which project's tasks the stage of this machine has now, by its folder; None where that is unknown."""
    if run.settings.uses_engine:
        state_folder.remember_project(run.stage_name, root)


def _slug(project: Project) -> str:
    return re.sub(r"[^a-z0-9]+", "-", project.root.name.lower()).strip("-")[:20] or "2"


def show_events(run: Invocation, events: Iterable[StackEvent]) -> None:
    """Show how the stack changes: in place on a terminal, as lines of what has ended elsewhere; failures as lines."""
    screen = run.screen
    if not screen.draws_progress or screen.json:
        for event in events:
            if event.of_stack or not event.status.endswith("_IN_PROGRESS"):
                screen.note(event_line(event))
        return
    progress = StackProgress(run.target.stack_name, now)
    with screen.ticking(progress.draw):
        for event in events:
            progress.add(event)
            if event.failed:
                screen.note(event_line(event))
