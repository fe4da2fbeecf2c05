"""The live board of `ftask top`, and its one line without a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from ftask.core.model import Status
from ftask.core.text import plural
from ftask.ops.top import FailedAttempt, StageSnapshot
from ftask.render.ids import shorten
from ftask.render.sparkline import sparkline
from ftask.render.statuses import consumption_text, status_text
from ftask.render.tables import add_numbers, plain_table
from ftask.render.times import clock_time, duration
from ftask.render.types import have_types

LABEL_WIDTH = 17
NUMBER_WIDTH = 10
# The empty lines of the board, the heading of its table and the line of its keys.
_FIXED_LINES = 5


class Sort(StrEnum):
    """The order of recent failures."""

    NEWEST = "newest first"
    ERROR = "by error"


def board(
    past: Sequence[StageSnapshot], stage: str, *, width: int, height: int, sort: Sort, frozen: bool
) -> RenderableType:
    """Draw the last of `past` snapshots and how it came about, on at most `height` lines of `width` columns."""
    latest = past[-1]
    head = Text.assemble(
        ("ftask top", "bold"),
        f"  stage {stage}  {clock_time(latest.at)}  ",
        consumption_text(latest.consuming),
        ("  FROZEN" if frozen else "", "bold yellow"),
    )
    figures: list[tuple[str, str, Sequence[float], str]] = [
        ("completed/s", f"{latest.completed_rate:.1f}", [snapshot.completed_rate for snapshot in past], "green"),
        (
            "failed attempts/s",
            f"{latest.failed_attempts_rate:.1f}",
            [snapshot.failed_attempts_rate for snapshot in past],
            "red",
        ),
        ("waiting", f"{latest.waiting:,}", [snapshot.waiting for snapshot in past], "cyan"),
        ("in flight", f"{latest.in_flight:,}", [snapshot.in_flight for snapshot in past], "blue"),
        ("dead letters", f"{latest.dead_letters:,}", [snapshot.dead_letters for snapshot in past], "red"),
    ]
    series = [_row(label, number, values, width, style) for label, number, values, style in figures]
    oldest = "unknown" if latest.oldest_seconds is None else duration(latest.oldest_seconds)
    facts = Text.assemble(
        ("oldest message ", "dim"), oldest,
        ("   worker errors ", "dim"), (f"{latest.worker_errors:,}", "bold red" if latest.worker_errors else ""),
        ("   throttles ", "dim"), (f"{latest.throttles:,}", "bold yellow" if latest.throttles else ""),
    )  # fmt: skip
    outcomes = _outcomes(latest)
    used = _FIXED_LINES + sum(_line_count(text, width) for text in (head, *series, facts, outcomes))
    failures, hidden = _failures(latest.failures, sort, max(0, height - used))
    keys = Text("q quit   p freeze   s sort", style="dim")
    if hidden:
        keys.append(f"   ({hidden} more not shown)")
    return Group(head, "", *series, "", facts, outcomes, "", failures, keys)


def line(snapshot: StageSnapshot) -> str:
    """Return one snapshot as one line of plain text."""
    return (
        f"{clock_time(snapshot.at)}  {snapshot.completed_rate:.1f} completed/s  {snapshot.waiting:,} waiting"
        f"  {snapshot.in_flight:,} in flight  {plural(snapshot.dead_letters, 'dead letter')}"
        f"  {snapshot.failed:,} FAILED"
    )


def _outcomes(snapshot: StageSnapshot) -> Text:
    """Say how many tasks are failed, and how attempts have ended since the board was opened."""
    ended = snapshot.ended
    age = (snapshot.at - snapshot.failed_at).total_seconds()
    return Text.assemble(
        status_text(Status.FAILED, f"{snapshot.failed:,} FAILED"), ("" if age < 1 else f", {duration(age)} ago", "dim"),
        (f"   attempts since {clock_time(ended.since)}  ", "dim"),
        status_text(Status.COMPLETED, f"{ended.completed:,} completed"), "  ",
        status_text(Status.RETRYING, f"{ended.retried:,} retried"), "  ",
        status_text(Status.FAILED, f"{ended.failed:,} failed"),
    )  # fmt: skip


def _line_count(text: Text, width: int) -> int:
    return len(text.wrap(Console(width=width), width))


def _row(label: str, number: str, values: Sequence[float], width: int, style: str) -> Text:
    row = Text(f"{label:<{LABEL_WIDTH}}", style="dim")
    row.append(f"{number:>{NUMBER_WIDTH}}  ", style="bold")
    row.append(sparkline(values, max(0, width - LABEL_WIDTH - NUMBER_WIDTH - 4)), style=style)
    return row


def _failures(failures: Sequence[FailedAttempt], sort: Sort, rows: int) -> tuple[Table, int]:
    """Draw the first `rows` failures, or kinds of them; and return how many others that leaves."""
    table = plain_table(expand=True)
    with_types = have_types(failed.type for failed in failures)
    if sort is Sort.ERROR:
        add_numbers(table, "failed attempts")
        if with_types:
            table.add_column("type", no_wrap=True)
        table.add_column("error", no_wrap=True, overflow="ellipsis", ratio=1)
        by_error = Counter((failed.type, failed.error) for failed in failures).most_common()
        for (task_type, error), count in by_error[:rows]:
            table.add_row(f"{count:,}", *([task_type] if with_types else []), Text(error, style="red"))
        return table, max(0, len(by_error) - rows)
    for heading in ("recent failures", "task", *(["type"] if with_types else []), "attempt"):
        table.add_column(heading, no_wrap=True)
    table.add_column("error", no_wrap=True, overflow="ellipsis", ratio=1)
    ids = shorten(failed.task_id for failed in failures)
    for failed in failures[:rows]:
        attempt = f"{failed.attempt} (final)" if failed.final else str(failed.attempt)
        which = [ids[failed.task_id], failed.type] if with_types else [ids[failed.task_id]]
        table.add_row(clock_time(failed.at), *which, attempt, Text(failed.error, style="red"))
    return table, max(0, len(failures) - rows)
