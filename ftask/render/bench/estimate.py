"""What a month costs on AWS, by the way in which tasks are submitted."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ftask.bench.cost_notes import usd
from ftask.bench.estimate import Estimate
from ftask.bench.result import Item
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


def estimate_table(month: Estimate) -> RenderableType:
    """Draw one item per row and one way to submit per column, then totals and what the figures stand for."""
    table = plain_table()
    table.add_column("USD a month", no_wrap=True)
    notes = (Text(line, style="dim") for line in _notes(month))
    if month.load.tasks_per_month:
        _add_tasks(table, month)
    else:
        add_numbers(table, "")
        _add_items(table, month.idle, 1)
        _total(table, "the month", [month.idle_usd])
    return Group(Text(_headline(month), style="bold"), "", table, "", *notes)


def _add_tasks(table: Table, month: Estimate) -> None:
    add_numbers(table, *(bill.way.name for bill in month.bills))
    for rows in zip(*(bill.items for bill in month.bills), strict=True):
        table.add_row(rows[0].name, *(usd(item.usd) for item in rows))
    _add_items(table, (*month.standing, *month.idle), len(month.bills))
    _total(table, "the month", [month.total_usd(bill) for bill in month.bills])
    _total(table, "a million more tasks", [month.per_million_usd(bill) for bill in month.bills])


def _add_items(table: Table, items: Sequence[Item], columns: int) -> None:
    for item in items:
        name = f"{item.name} ({item.quantity:.3g})" if item.unit in ("alarms", "metrics") else item.name
        table.add_row(name, *[usd(item.usd)] * columns)


def _total(table: Table, name: str, amounts: Sequence[float]) -> None:
    table.add_row(Text(name, style="bold"), *(Text(usd(amount), style="bold") for amount in amounts))


def _headline(month: Estimate) -> str:
    load = month.load
    if not load.tasks_per_month:
        return "an idle stage"
    kilobytes = load.payload_bytes / _KB
    size = f"{kilobytes:.4g} KB" if kilobytes >= 1 else plural(load.payload_bytes, "byte")
    fail = f"{percent(load.error_rate)} of attempts fail, at most {plural(load.max_attempts, 'attempt')}"
    return f"{load.tasks_per_month:,.0f} tasks a month, payloads of {size}, {fail}"


def _notes(month: Estimate) -> list[str]:
    return [
        f"List prices of {month.prices.region} on {month.prices.priced_on}, without a free tier. {_FREE_TIER}",
        _RECEIVES,
        *(_OF_TASKS if month.load.tasks_per_month else ()),
    ]
