"""What a run would cost on AWS."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from ftask.bench.result import Cost
from ftask.core.text import plural
from ftask.render.tables import add_numbers, plain_table


def cost_table(cost: Cost) -> RenderableType:
    """Draw one item of the bills per row, then their totals and where the figures come from."""
    table = plain_table()
    table.add_column("", no_wrap=True)
    add_numbers(table, "quantity")
    table.add_column("", no_wrap=True)
    add_numbers(table, "USD", "USD unbatched")
    for item, unbatched in zip(cost.batched.items, cost.unbatched.items, strict=True):
        table.add_row(item.name, quantity(item.quantity), item.unit, f"{item.usd:.6f}", f"{unbatched.usd:.6f}")
    for name, batched_usd, unbatched_usd in (
        ("this run", f"{cost.batched.usd:.6f}", f"{cost.unbatched.usd:.6f}"),
        ("a million such tasks", f"{cost.batched.usd_per_million:.2f}", f"{cost.unbatched.usd_per_million:.2f}"),
    ):
        table.add_row(Text(name, style="bold"), "", "", Text(batched_usd, style="bold"), unbatched_usd)
    return Group(table, *(Text(line, style="dim") for line in cost_notes(cost)))


def cost_notes(cost: Cost) -> list[str]:
    """Return what the prices stand for, each line a sentence."""
    submitted = "" if cost.tasks_per_request is None else f"; {plural(cost.tasks_per_request, 'task')} per request"
    listed = f"List prices of {cost.region} on {cost.priced_on}, without a free tier"
    notes = [f"{listed}{submitted}; {cost.records_per_batch:g} messages per batch.", _duration_note(cost)]
    if cost.ways:
        ways = ", ".join(f"{way.name} {way.usd_per_million:.2f}" for way in cost.ways)
        notes.append(f"Estimates for a million such tasks, in USD: {ways}.")
    if cost.monthly:
        items = ", ".join(f"{item.name.lower()} {item.usd:.2f}" for item in cost.monthly)
        notes.append(f"In addition, in USD a month: {items} if tasks run in every hour.")
    return notes


def _duration_note(cost: Cost) -> str:
    if cost.durations == "platform report":
        return "Durations are those that Lambda reported."
    if cost.durations == "function's clock":
        return "Durations are those that the functions measured themselves on AWS, without their start."
    if cost.local_gb_seconds is None:
        return f"Durations measured on {cost.measured_on}."
    return (
        "Lambda duration is an estimate from the counted calls. This machine took"
        f" {cost.local_gb_seconds:.3g} GB-seconds, which are not priced because its CPU is not Lambda's."
    )


def usd(amount: float) -> str:
    """Return an amount of USD with two digits after the point; one that would show as zero says that it is not."""
    return "< 0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"


def quantity(value: float) -> str:
    """Return a large or whole number in full, another with four digits."""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:,.4g}"
