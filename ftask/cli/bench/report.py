"""`ftask bench report`, `compare` and `schema`: what is made of saved runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ftask.bench import compare as comparing
from ftask.bench.report import render, render_comparison
from ftask.bench.result import Result, load
from ftask.cli.invocation import Invocation
from ftask.core.errors import FtaskError
from ftask.home.private_files import open_private, write_private
from ftask.render.bench import comparison


def report(
    run: Invocation,
    result: Annotated[str, typer.Argument(metavar="RUN.json", help="A result: ftask bench --save RUN.json")],
    to: Annotated[str, typer.Option("--to", metavar="FILE.html", help="File to write.")] = "report.html",
) -> None:
    """Write the report of a saved run.

    Examples:
        ftask bench report run.json --to report.html
    """
    saved = load(result)
    require_writable(to)
    write_report(run, saved, to)


def write_report(run: Invocation, result: Result, path: str) -> None:
    """Write the report of `result` to `path`."""
    write_private(Path(path), render(result))
    run.screen.note(f"Wrote the report to {path}.")


def require_writable(*paths: str | None) -> None:
    """Check that results can be written, before the work that gives them."""
    for path in paths:
        if path is None:
            continue
        try:
            open_private(Path(path), "a").close()
        except OSError as error:
            raise FtaskError(f"Cannot write {path}: {error.strerror}.", "Choose another file.") from error


def compare(
    run: Invocation,
    first: Annotated[str, typer.Argument(metavar="A.json", help="A result: ftask bench --save A.json")],
    second: Annotated[str, typer.Argument(metavar="B.json", help="Another result.")],
    report: Annotated[
        str | None, typer.Option(metavar="FILE.html", help="Also write both side by side, to open in a browser.")
    ] = None,
) -> None:
    """Compare two runs, and say which differences are more than noise.

    Examples:
        ftask bench compare before.json after.json
        ftask bench compare before.json after.json --report compare.html
    """
    results, names = (load(first), load(second)), (Path(first).stem, Path(second).stem)
    if report is not None:
        require_writable(report)
        write_private(Path(report), render_comparison(*results, names))
        run.screen.note(f"Wrote the report to {report}.")
    differences = comparing.compare(*results)
    run.screen.result(differences.json(), lambda: comparison(differences, names))


def schema(run: Invocation) -> None:
    """Print the JSON Schema of a result.

    Examples:
        ftask bench schema
    """
    run.screen.document(Result.model_json_schema(mode="serialization"))
