"""Values that the shell completes."""

from __future__ import annotations

import typer

from ftask.cli.options import GlobalOptions

MOST_IDS = 20


def task_ids(context: typer.Context, incomplete: str) -> list[str]:
    """Return the ids of tasks that commands have shown lately on the stage, newest first."""
    from ftask.home.cache import recent_ids

    options = context.obj
    stage = options.stage if isinstance(options, GlobalOptions) else GlobalOptions().stage
    return [task_id for task_id in recent_ids(stage.value) if task_id.startswith(incomplete)][:MOST_IDS]


def statuses() -> list[str]:
    """Return the states of a task."""
    from ftask.core.model import Status

    return list(Status)


def unfinished_statuses() -> list[str]:
    """Return the states of a task that has not ended."""
    from ftask.ops.cancel import UNFINISHED

    return list(UNFINISHED)


def columns(incomplete: str) -> list[str]:
    """Return the columns of a list of tasks that may follow those that are typed already."""
    from ftask.render.task_list import COLUMNS

    typed, comma, _ = incomplete.rpartition(",")
    return [typed + comma + name for name in COLUMNS if name not in typed.split(",")]


def levels() -> list[str]:
    """Return the levels of log events."""
    from ftask.ops.logs import LEVELS

    return list(LEVELS)


def functions() -> list[str]:
    """Return the functions of a stage."""
    return ["api", "worker"]


def pages() -> list[str]:
    """Return the pages that `ftask open` knows."""
    from ftask.ops.console import PAGES

    return [*PAGES, "api"]


def topics() -> list[str]:
    """Return what `ftask help` explains: topics, and commands."""
    from ftask.cli import MODULES
    from ftask.cli.topics import TOPICS

    return [*TOPICS, *MODULES]


def group_keys() -> list[str]:
    """Return what failed tasks can be grouped by."""
    return ["error", "none"]


def parameters() -> list[str]:
    """Return the parameters of the stack that a user may set, each with the sign that follows its name."""
    import re

    from ftask.aws.stack import MANAGED_PARAMETERS
    from ftask.deploy.template import read_template

    # Read line by line: the template's YAML has tags that need a special parser.
    block = read_template().partition("\nParameters:\n")[2]
    declared = re.match(r"(?:(?:[ #].*)?\n)*", block)
    names = re.findall(r"^  (\w+):", declared[0] if declared else "", re.MULTILINE)
    return [f"{name}=" for name in names if name not in MANAGED_PARAMETERS]
