"""How far a run has come."""

from __future__ import annotations

from datetime import datetime

from rich.console import Group, RenderableType
from rich.text import Text

from ftask.bench.experiment import Progress
from ftask.render.progress import waiting_board, waiting_line


def progress(state: Progress) -> RenderableType:
    """Draw how far a run has come."""
    return Group(Text.assemble(f"{state.submitted:,} submitted   ", _refused(state)), waiting_board(state.tasks))


def progress_line(state: Progress, now: datetime) -> str:
    """Return how far a run has come as one line of plain text."""
    refused = f", {state.refused:,} refused" if state.refused else ""
    return f"{waiting_line(state.tasks, now)}; {state.submitted:,} submitted{refused}"


def _refused(state: Progress) -> Text:
    return Text(f"{state.refused:,} refused" if state.refused else "", style="bold red")
