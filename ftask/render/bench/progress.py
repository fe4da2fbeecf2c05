"""How far a run has come."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ftask.bench.experiment import Progress
from ftask.render.statuses import status_counts
from ftask.render.times import duration

BAR_WIDTH = 40


def progress(state: Progress) -> RenderableType:
    """Draw how far a run has come, on three lines."""
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=max(1, state.total), completed=state.ended, width=BAR_WIDTH),
        Text(f"{state.ended:,} of {state.total:,} ended", style="bold"),
    )
    counts = Text.assemble(f"{state.submitted:,} submitted   ", status_counts(state.states.items()))
    if state.refused:
        counts.append(f"   {state.refused:,} refused", style="bold red")
    return Group(bar, counts, Text(_pace(state), style="dim"))


def progress_line(state: Progress) -> str:
    """Return how far a run has come as one line of plain text."""
    refused = f"   {state.refused:,} refused" if state.refused else ""
    counts = f"{status_counts(state.states.items())}{refused}".strip() or "none accepted yet"
    return f"{state.submitted:,} of {state.total:,} submitted: {counts}; {_pace(state)}"


def _pace(state: Progress) -> str:
    left = "" if state.seconds_left is None else f", about {duration(state.seconds_left)} left"
    return f"{state.per_second:.1f} ended/s{left}"
