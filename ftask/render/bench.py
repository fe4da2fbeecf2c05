"""What `ftask bench` shows: a run while it goes on, its result with the verdict first, two results, loads, settings."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from ftask.bench import footprint
from ftask.bench.compare import Comparison
from ftask.bench.estimate import Month
from ftask.bench.expectation import Expectation
from ftask.bench.experiment import Progress
from ftask.bench.machine import machine_text
from ftask.bench.result import Item, Result
from ftask.bench.simulation import Cell
from ftask.bench.tables import Table, comparison_tables, headline, result_tables
from ftask.core.text import percent, plural
from ftask.render.progress import waiting_board, waiting_line
from ftask.render.tables import add_numbers, plain_table
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


_KB = 1024
# https://aws.amazon.com/cloudwatch/pricing/ https://aws.amazon.com/sqs/pricing/
_FREE_TIER = (
    "Each account has ten alarms, three dashboards, ten custom metrics and a million SQS requests a month for free."
)
_RECEIVES = "Empty receives: Lambda's five pollers ask the queue every 20 seconds each while it is empty."
_OF_TASKS = (
    "One by one: each task has its own request and worker invocation; under load, messages share invocations.",
    "In tens, in hundreds: 10 or 100 tasks per request; ten messages share an invocation.",
    "Lambda duration is an estimate from the calls of AWS, the CPU that the memory gives, and --task-seconds.",
    "Not included: reading tasks, results, data transfer, storage of logs, cold starts, what your tasks call.",
)


def month_table(month: Month) -> RenderableType:
    """Draw one item per row and one way to submit per column, then totals and what the figures stand for."""
    table = plain_table()
    table.add_column("USD a month", no_wrap=True)
    notes = [f"List prices of {month.prices.region} on {month.prices.priced_on}, without a free tier. {_FREE_TIER}"]
    notes.append(_RECEIVES)
    if month.tasks_per_month:
        add_numbers(table, *(way.name for way in month.ways))
        for line in zip(*(way.items for way in month.ways), strict=True):
            table.add_row(line[0].name, *(usd(item.usd) for item in line))
        _add_items(table, [*month.standing.items, *month.idle.items], len(month.ways))
        _add_total(table, "the month", [way.total_usd for way in month.ways])
        _add_total(table, "a million more tasks", [way.usd_per_million or 0 for way in month.ways])
        notes += _OF_TASKS
    else:
        add_numbers(table, "")
        _add_items(table, month.idle.items, 1)
        _add_total(table, "the month", [month.idle.usd])
    notes.append(
        f"Tasks that a schedule makes: about {usd(month.usd_per_million_firings)} per million; a schedule that"
        f" fires every minute makes {footprint.HOURS_PER_MONTH * 60:,} a month."
    )
    headline = Text(_headline(month), style="bold")
    return Group(headline, "", table, "", *(Text(line, style="dim") for line in notes))


def _add_items(table: RichTable, items: Sequence[Item], columns: int) -> None:
    for item in items:
        name = f"{item.name} ({item.quantity:.3g})" if item.unit in ("alarms", "metrics") else item.name
        table.add_row(name, *[usd(item.usd)] * columns)


def _add_total(table: RichTable, name: str, amounts: Sequence[float]) -> None:
    table.add_row(name, *map(usd, amounts), style="bold")


def _headline(month: Month) -> str:
    if not month.tasks_per_month:
        return "an idle stage"
    kilobytes = month.payload_bytes / _KB
    size = f"{kilobytes:.4g} KB" if kilobytes >= 1 else plural(month.payload_bytes, "byte")
    fail = f"{percent(month.error_rate)} of attempts fail, at most {plural(month.max_attempts, 'attempt')}"
    return f"{month.tasks_per_month:,.0f} tasks a month, payloads of {size}, {fail}"


def usd(amount: float) -> str:
    """Return an amount of USD with two digits after the point; one that would show as zero says that it is not."""
    return "< 0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"


def sweep_table(cells: Sequence[Cell], *, surprising: float, simulated: bool) -> RenderableType:
    """Draw one setting per row: the closed forms and, if `simulated`, what the simulation gave.

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
        row: list[str | Text] = [percent(expectation.rate), str(expectation.max_attempts), *_figures(expectation)]
        if simulated:
            p_value = min(cell.p_values())
            row += [*_figures(cell), Text(f"{p_value:.2g}", "bold red" if p_value < surprising else "green")]
        table.add_row(*row)
    return table


def _figures(of: Expectation | Cell) -> list[str]:
    return [f"{of.failed_share:.4%}", f"{of.mean_attempts:.4f}", f"{of.mean_backoff_seconds:.3f} s"]
