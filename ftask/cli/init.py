"""`ftask init`: begin a project."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from ftask.cli.invocation import Invocation
from ftask.scaffold.project import write_project


def init(
    run: Invocation,
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="Folder of the project (default: this one).")
    ] = None,
) -> None:
    """Begin a project: example tasks with their test, settings, policy, requirements and a workflow for GitHub.

    Existing files are never overwritten.

    Examples:
        ftask init
        ftask init orders
    """
    folder = folder or Path()
    names = write_project(folder)
    run.screen.result({"folder": str(folder.absolute()), "files": names}, lambda: _next_steps(folder, names))


def _next_steps(folder: Path, names: list[str]) -> str:
    enter = "" if folder == Path() else f"  cd {shlex.quote(str(folder))}\n"
    return (
        f"Wrote {', '.join(names)}.\n\nNext:\n{enter}"
        "  ftask run greet name=Ada    # run a task here\n"
        "  pytest                      # test the tasks\n"
        "  ftask dev                   # deploy them to this machine, again at each change, and show their logs"
    )
