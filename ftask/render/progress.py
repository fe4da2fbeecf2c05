"""A bar of tasks that end, and its speed in words, for every command that waits for many."""

from __future__ import annotations

from rich.console import RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ftask.render.times import duration

BAR_WIDTH = 40


def ended_bar(ended: int, total: int) -> RenderableType:
    """Draw how many of `total` tasks have ended, on one line."""
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=max(1, total), completed=ended, width=BAR_WIDTH),
        Text(f"{ended:,} of {total:,} ended", style="bold"),
    )
    return bar


def pace_text(per_second: float, seconds_left: float | None) -> str:
    """Return how many tasks end in a second, and about when the last one does, as far as that can be told."""
    left = f", about {duration(seconds_left)} left" if seconds_left else ""
    return f"{per_second:.1f} ended/s{left}"
