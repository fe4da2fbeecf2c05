"""What a run would cost on AWS."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.text import Text

from ftask.bench.cost import cost_notes, quantity_text
from ftask.bench.result import Cost
from ftask.render.tables import add_numbers, plain_table


def cost_table(cost: Cost) -> RenderableType:
    """Draw one item of the bills per row, then their totals and where the figures come from."""
    table = plain_table()
    table.add_column("", no_wrap=True)
    add_numbers(table, "quantity")
    table.add_column("", no_wrap=True)
    add_numbers(table, "USD", "USD unbatched")
    for item, unbatched in zip(cost.batched.items, cost.unbatched.items, strict=True):
        table.add_row(item.name, *quantity_text(item), f"{item.usd:.6f}", f"{unbatched.usd:.6f}")
    for name, batched_usd, unbatched_usd in (
        ("this run", f"{cost.batched.usd:.6f}", f"{cost.unbatched.usd:.6f}"),
        ("a million such tasks", f"{cost.batched.usd_per_million:.2f}", f"{cost.unbatched.usd_per_million:.2f}"),
    ):
        table.add_row(Text(name, style="bold"), "", "", Text(batched_usd, style="bold"), unbatched_usd)
    return Group(table, *(Text(line, style="dim") for line in cost_notes(cost)))
