"""How far a command is: a spinner, a bar, or the states of the tasks that it waits for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from ftask.core.model import Status
from ftask.render.statuses import status_counts
from ftask.render.tables import add_numbers, plain_table
from ftask.render.texts import clock_time, duration
from ftask.submission.watch import WaitProgress

# Kinds of error below the bar: with it and the prompt they fit a small terminal.
_MAX_ERROR_ROWS = 8
BAR_WIDTH = 40


def waiting_board(progress: WaitProgress) -> RenderableType:
    """Draw how far many tasks have come: the bar, the counts by state, the speed, and the errors so far."""
    counts = status_counts(progress.states.items())
    pace = f"{_pace(progress)}, {duration(progress.seconds)} so far"
    if progress.unread:
        pace += f", {progress.unread:,} not read yet"
    lines: list[RenderableType] = [_bar(progress), counts, Text(pace, style="dim")]
    if progress.errors or progress.retrying:
        lines += ["", _errors(progress, with_retrying=bool(progress.retrying))]
    return Group(*lines)


def with_reason(picture: RenderableType, reason: str | None) -> RenderableType:
    """Draw below the picture of tasks why they do not move, if that is known."""
    return picture if reason is None else Group(picture, Text(reason, style="yellow"))


def waiting_line(progress: WaitProgress, now: datetime) -> str:
    """Return how far many tasks have come as one line of plain text."""
    counts = ", ".join(f"{progress.states[status]:,} {status}" for status in Status if progress.states[status])
    counts = counts or "none read yet"
    # With the last task, no speed is left to tell.
    pace = f"; {_pace(progress)}" if progress.ended < progress.total else ""
    return f"{clock_time(now)}  {progress.ended:,} of {progress.total:,} ended: {counts}{pace}"


def ended_summary(progress: WaitProgress, failed_ids: Sequence[str]) -> RenderableType:
    """Draw how many tasks were waited for: counts by state and by error, and the first of those that failed."""
    counts = status_counts(progress.states.items())
    counts.append(f"   {duration(progress.seconds)}", style="dim")
    if not failed_ids:
        return counts
    lines: list[RenderableType] = [counts, "", _errors(progress, with_retrying=False), ""]
    more = progress.states[Status.FAILED] - len(failed_ids)
    lines.append(Text(f"Failed: {' '.join(failed_ids)}{f' and {more:,} more' if more > 0 else ''}"))
    return Group(*lines)


def _errors(progress: WaitProgress, *, with_retrying: bool) -> Table:
    table = plain_table(expand=True)
    add_numbers(table, "failed", *(["retrying"] if with_retrying else []))
    table.add_column("error", no_wrap=True, overflow="ellipsis", ratio=1)
    both = progress.errors + progress.retrying if with_retrying else progress.errors
    kinds = both.most_common()
    for kind, _ in kinds[:_MAX_ERROR_ROWS]:
        numbers = [f"{progress.errors[kind]:,}", *([f"{progress.retrying[kind]:,}"] if with_retrying else [])]
        table.add_row(*numbers, Text(kind, style="red"))
    if rest := kinds[_MAX_ERROR_ROWS:]:
        table.add_row(f"{sum(count for _, count in rest):,}", *([""] if with_retrying else []), "of other kinds")
    return table


def _bar(progress: WaitProgress) -> RenderableType:
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=max(1, progress.total), completed=progress.ended, width=BAR_WIDTH),
        Text(f"{progress.ended:,} of {progress.total:,} ended", style="bold"),
    )
    return bar


def _pace(progress: WaitProgress) -> str:
    left = f", about {duration(progress.seconds_left)} left" if progress.seconds_left else ""
    return f"{progress.per_second:.1f} ended/s{left}"
