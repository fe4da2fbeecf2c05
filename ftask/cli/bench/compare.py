"""`ftask bench compare`: compare two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ftask.bench import compare as comparing
from ftask.bench.report import render_comparison
from ftask.bench.result import load
from ftask.cli.bench.report import require_writable
from ftask.cli.invocation import Invocation
from ftask.home.private_files import write_private
from ftask.render.bench.compare import comparison


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
    run.screen.result(differences.json(), lambda: comparison(differences, *names))
