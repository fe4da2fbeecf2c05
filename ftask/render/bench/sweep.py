"""Settings side by side, before anything is deployed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from ftask.bench.simulation import Cell
from ftask.core.text import percent
from ftask.render.tables import plain_table


def sweep(cells: Sequence[Cell], *, surprising: float, simulated: bool) -> RenderableType:
    """Draw one setting per row: the closed forms and, if `simulated`, what the simulation came to.

    A p-value below `surprising` is red.
    """
    table = plain_table()
    headings = ["error rate", "attempts", "failed", "mean attempts", "mean backoff"]
    if simulated:
        headings += ["simulated: failed", "mean attempts", "mean backoff", "smallest p"]
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=not simulated)
    for cell in cells:
        expectation = cell.expectation
        row: list[str | Text] = [
            percent(expectation.rate),
            str(expectation.max_attempts),
            f"{expectation.failed_share:.4%}",
            f"{expectation.mean_attempts:.4f}",
            f"{expectation.mean_backoff_seconds:.3f} s",
        ]
        if simulated:
            p_value = min(cell.p_values())
            row += [
                f"{cell.failed_share:.4%}",
                f"{cell.mean_attempts:.4f}",
                f"{cell.mean_backoff_seconds:.3f} s",
                Text(f"{p_value:.2g}", style="bold red" if p_value < surprising else "green"),
            ]
        table.add_row(*row)
    return table
