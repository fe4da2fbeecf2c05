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

    Existing files are never overwritten; in a repository that has some of them, only the others are written.

    Examples:
        ftask init
        ftask init orders
    """
    folder = folder or Path()
    written, kept = write_project(folder)
    run.screen.result(
        {"folder": str(folder.absolute()), "files": written, "kept": kept}, lambda: f"Wrote {', '.join(written)}."
    )
    if kept:
        run.screen.note(f"Not written, as the folder has its own: {', '.join(kept)}.")
    run.screen.next_steps(
        [
            *([] if folder == Path() else [f"cd {shlex.quote(str(folder))}"]),
            "ftask run greet name=Ada    # run a task here",
            "pytest                      # test the tasks",
            "ftask dev                   # deploy them to this machine, again at each change, and show their logs",
        ]
    )
