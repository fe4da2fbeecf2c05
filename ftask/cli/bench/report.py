"""`ftask bench report`: the report of a saved run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ftask.bench.report import render
from ftask.bench.result import Result, load
from ftask.cli.invocation import Invocation
from ftask.core.errors import FtaskError
from ftask.home.private_files import open_private, write_private


def report(
    run: Invocation,
    result: Annotated[str, typer.Argument(metavar="RUN.json", help="A result: ftask bench --save RUN.json")],
    to: Annotated[str, typer.Option("--to", metavar="FILE.html", help="File to write.")] = "report.html",
) -> None:
    """Write the report of a saved run.

    Examples:
        ftask bench report run.json --to report.html
    """
    require_writable(to)
    write_report(run, load(result), to)


def write_report(run: Invocation, result: Result, path: str) -> None:
    """Write the report of `result` to `path`."""
    write_private(Path(path), render(result))
    run.screen.note(f"Wrote the report to {path}.")


def require_writable(*paths: str | None) -> None:
    """Check that results can be written, before the work that gives them.

    Raises:
        FtaskError: a file cannot be written.
    """
    for path in paths:
        if path is None:
            continue
        try:
            open_private(Path(path), "a").close()
        except OSError as error:
            raise FtaskError(f"Cannot write {path}: {error.strerror}.", "Choose another file.") from error
