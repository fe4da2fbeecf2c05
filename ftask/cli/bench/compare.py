"""`ftask bench compare`: compare two runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ftask.cli.invocation import Invocation


def compare(
    run: Invocation,
    first: Annotated[str, typer.Argument(metavar="A.json", help="A result: ftask bench --save A.json")],
    second: Annotated[str, typer.Argument(metavar="B.json", help="Another result.")],
) -> None:
    """Compare two runs, and say which differences are more than noise.

    Examples:
        ftask bench compare before.json after.json
    """
    from ftask.bench import compare as comparing
    from ftask.bench.result import load
    from ftask.render.bench.compare import comparison

    differences = comparing.compare(load(first), load(second))
    run.screen.result(differences.json(), lambda: comparison(differences, Path(first).stem, Path(second).stem))
