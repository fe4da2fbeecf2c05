"""The live board of `ftask top`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ftask.core.text import plural
from ftask.ops.top import Failed, Snapshot
from ftask.render.tasks import STYLES
from ftask.render.times import clock_time, duration

BARS = "▁▂▃▄▅▆▇█"
LABEL_WIDTH = 16
NUMBER_WIDTH = 10


class Sort(StrEnum):
    """How recent failures are ordered."""

    NEWEST = "newest first"
    ERROR = "by error"


def sparkline(values: Sequence[float], width: int) -> str:
    """The last `width` values as bars, the highest of them full."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    if top <= 0:
        return BARS[0] * len(shown)
    return "".join(BARS[min(len(BARS) - 1, int(value / top * len(BARS)))] for value in shown)


def board(past: Sequence[Snapshot], stage: str, *, width: int, height: int, sort: Sort, frozen: bool) -> RenderableType:
    """The whole picture, no larger than `width` × `height`."""
    latest = past[-1]
    head = Text.assemble(
        ("ftask top", "bold"),
        f"  stage {stage}  {clock_time(latest.at)}  ",
        (latest.consuming, "green" if latest.consuming == "Enabled" else "bold yellow"),
        ("  FROZEN" if frozen else "", "bold yellow"),
    )
    rows = Group(
        _row("completed/s", f"{latest.completed_rate:.1f}", [each.completed_rate for each in past], width, "green"),
        _row(
            "failed tries/s",
            f"{latest.failed_attempts_rate:.1f}",
            [each.failed_attempts_rate for each in past],
            width,
            "red",
        ),
        _row("waiting", f"{latest.waiting:,}", [each.waiting for each in past], width, "cyan"),
        _row("in flight", f"{latest.in_flight:,}", [each.in_flight for each in past], width, "blue"),
        _row("dead letters", f"{latest.dead_letters:,}", [each.dead_letters for each in past], width, "red"),
    )
    oldest = "not known" if latest.oldest_seconds is None else duration(latest.oldest_seconds)
    facts = Text.assemble(
        ("oldest message ", "dim"), oldest,
        ("   worker errors ", "dim"), (f"{latest.worker_errors:,}", "bold red" if latest.worker_errors else ""),
        ("   throttles ", "dim"), (f"{latest.throttles:,}", "bold yellow" if latest.throttles else ""),
    )  # fmt: skip
    states = Text("tasks  ", style="dim")
    for name, number in latest.states.items():
        states.append(f"{number:,} {name}   ", style=STYLES.get(name, ""))
    used = 13
    keys = Text("q quit   p freeze   s sort", style="dim")
    return Group(head, "", rows, "", facts, states, "", _failures(latest.failures, sort, height - used), keys)


def line(snapshot: Snapshot) -> str:
    """One snapshot as one line of plain text."""
    states = "  ".join(f"{number} {name}" for name, number in snapshot.states.items())
    return (
        f"{clock_time(snapshot.at)}  {snapshot.completed_rate:.1f} completed/s  {snapshot.waiting} waiting"
        f"  {snapshot.in_flight} in flight  {plural(snapshot.dead_letters, 'dead letter')}  {states}"
    )


def _row(label: str, number: str, values: Sequence[float], width: int, style: str) -> Text:
    row = Text(f"{label:<{LABEL_WIDTH}}", style="dim")
    row.append(f"{number:>{NUMBER_WIDTH}}  ", style="bold")
    row.append(sparkline(values, max(0, width - LABEL_WIDTH - NUMBER_WIDTH - 4)), style=style)
    return row


def _failures(failures: Sequence[Failed], sort: Sort, rows: int) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=True)
    if sort is Sort.ERROR:
        table.add_column("failed tries", justify="right", no_wrap=True)
        table.add_column("error", no_wrap=True, overflow="ellipsis", ratio=1)
        for error, number in Counter(failed.error for failed in failures).most_common(max(0, rows)):
            table.add_row(str(number), Text(error, style="red"))
        return table
    table.add_column("recent failures", no_wrap=True)
    table.add_column("task", no_wrap=True)
    table.add_column("attempt", no_wrap=True)
    table.add_column("error", no_wrap=True, overflow="ellipsis", ratio=1)
    for failed in failures[: max(0, rows)]:
        attempt = f"{failed.attempt}, the last" if failed.final else str(failed.attempt)
        table.add_row(clock_time(failed.at), failed.task_id, attempt, Text(failed.error, style="red"))
    return table
