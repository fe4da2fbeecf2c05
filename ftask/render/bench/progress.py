"""How far a run has come."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from ftask.bench.experiment import Progress
from ftask.render.progress import ended_bar, pace_text
from ftask.render.statuses import status_counts


def progress(state: Progress) -> RenderableType:
    """Draw how far a run has come, on three lines."""
    counts = Text.assemble(f"{state.submitted:,} submitted   ", status_counts(state.states.items()))
    if state.refused:
        counts.append(f"   {state.refused:,} refused", style="bold red")
    pace = Text(pace_text(state.per_second, state.seconds_left), style="dim")
    return Group(ended_bar(state.ended, state.total), counts, pace)


def progress_line(state: Progress) -> str:
    """Return how far a run has come as one line of plain text."""
    refused = f"   {state.refused:,} refused" if state.refused else ""
    counts = f"{status_counts(state.states.items())}{refused}".strip() or "none accepted yet"
    pace = pace_text(state.per_second, state.seconds_left)
    return f"{state.submitted:,} of {state.total:,} submitted: {counts}; {pace}"
