"""What settings and loads come to, before anything is deployed."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ftask.bench.estimate import Month
from ftask.bench.expectation import Expectation
from ftask.bench.result import Item
from ftask.bench.simulation import Cell
from ftask.core.text import percent, plural
from ftask.render.tables import add_numbers, plain_table

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
    headline = Text(_headline(month), style="bold")
    return Group(headline, "", table, "", *(Text(line, style="dim") for line in notes))


def _add_items(table: Table, items: Sequence[Item], columns: int) -> None:
    for item in items:
        name = f"{item.name} ({item.quantity:.3g})" if item.unit in ("alarms", "metrics") else item.name
        table.add_row(name, *[usd(item.usd)] * columns)


def _add_total(table: Table, name: str, amounts: Sequence[float]) -> None:
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
