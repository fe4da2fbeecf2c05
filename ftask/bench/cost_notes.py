"""What the prices of a run stand for, in words."""

from __future__ import annotations

from ftask.bench.prices import GIB
from ftask.bench.result import Cost, Item
from ftask.core.text import plural


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


def quantity_text(item: Item) -> tuple[str, str]:
    """Return a quantity and its unit: bytes in a unit that suits them, another number whole or with four digits."""
    if item.unit == "GB" and item.quantity < 1:
        kilobytes = item.quantity * GIB / 1024
        return (f"{kilobytes / 1024:,.1f}", "MB") if kilobytes >= 1024 else (f"{kilobytes:,.1f}", "KB")
    is_whole = item.quantity >= 100 or item.quantity == int(item.quantity)
    return f"{item.quantity:,.0f}" if is_whole else f"{item.quantity:,.4g}", item.unit


def usd(amount: float) -> str:
    """Return an amount of USD with two digits after the point; one that would show as zero says that it is not."""
    return "< 0.01" if 0 < amount < 0.005 else f"{amount:,.2f}"
