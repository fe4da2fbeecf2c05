"""A run while it goes on, its result with the verdict first, and two results side by side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ftask.bench.compare import Comparison
from ftask.bench.experiment import Progress
from ftask.bench.machine import machine_text
from ftask.bench.result import Result
from ftask.bench.tables import Table, comparison_tables, headline, result_tables
from ftask.render.progress import waiting_board, waiting_line
from ftask.render.tables import plain_table
from ftask.render.texts import duration, sparkline

SPARKLINE_WIDTH = 60
_STYLES = {"": "", "fine": "green", "odd": "bold yellow", "bad": "bold red", "strong": "bold", "drawn": "cyan"}


def progress(state: Progress) -> RenderableType:
    """Draw how far a run has come."""
    refused = Text(f"{state.refused:,} refused" if state.refused else "", style="bold red")
    return Group(Text.assemble(f"{state.submitted:,} submitted   ", refused), waiting_board(state.tasks))


def progress_line(state: Progress, now: datetime) -> str:
    """Return how far a run has come as one line of plain text."""
    refused = f", {state.refused:,} refused" if state.refused else ""
    return f"{waiting_line(state.tasks, now)}; {state.submitted:,} submitted{refused}"


def summary(result: Result) -> RenderableType:
    """Draw the result of a run."""
    figures, *others = result_tables(result)
    verdict, says = headline(result)
    verdict_line = Text.assemble((verdict.text, f"bold {_STYLES[verdict.state]}"), says)
    parts: list[RenderableType] = [verdict_line, "", *_drawn(figures), ""]
    for table in others:
        parts += [Text(table.title, style="bold"), *_drawn(table), ""]
        if table.title == "latency":
            parts += [Text("throughput", style="bold"), *_throughput(result), ""]
    parts += [Text("machine", style="bold"), Text(machine_text(result.machine), style="dim"), ""]
    if result.notes:
        parts += [*(Text(f"Note: {note}.", style="dim") for note in result.notes), ""]
    # The first line has scrolled away.
    return Group(*parts, verdict_line)


def comparison(compared: Comparison, names: Sequence[str]) -> RenderableType:
    """Draw one figure of both runs per row, then the settings that differ."""
    parts = [part for table in comparison_tables(compared, names) for part in (*_drawn(table), "")]
    return Group(*parts[:-1])


def _drawn(table: Table) -> list[RenderableType]:
    drawn = plain_table()
    for column in table.columns:
        drawn.add_column(
            column.heading,
            justify="right" if column.is_number else "left",
            overflow="fold",
            no_wrap=not column.folds,
            min_width=column.min_width,
        )
    for row in table.rows:
        drawn.add_row(*(Text(cell.text, style=_STYLES[cell.state]) for cell in row))
    return [drawn, *(Text(note, style="dim") for note in table.notes)]


def _throughput(result: Result) -> list[RenderableType]:
    throughput = result.throughput
    table = RichTable.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(style="green")
    accepted_rate = "–" if throughput.accepted_per_second is None else f"{throughput.accepted_per_second:,.1f}/s"
    accepted = [interval.accepted for interval in throughput.timeline]
    ended = [interval.ended for interval in throughput.timeline]
    table.add_row("accepted", accepted_rate, sparkline(accepted, SPARKLINE_WIDTH))
    table.add_row("ended", f"{throughput.tasks_per_second:,.1f}/s", sparkline(ended, SPARKLINE_WIDTH))
    waited = throughput.backoff_seconds
    backoff = f"; backoff made one task wait {duration(waited)}" if waited else ""
    return [table, Text(f"{duration(throughput.seconds)} in total{backoff}", style="dim")]
