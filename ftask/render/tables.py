"""The look that all tables share: no lines, dim headings, two spaces between columns."""

from __future__ import annotations

from rich.table import Table


def plain_table(*headings: str, expand: bool = False) -> Table:
    """Return an empty table whose columns continue long text on the next line.

    Columns of another kind (numbers, text that must stay on one line) are added to it with `add_column`.
    """
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=expand)
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def add_numbers(table: Table, *headings: str) -> None:
    """Add columns that are aligned to the right and stay on one line."""
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)


def fact_table() -> Table:
    """Return an empty table of names and values, one pair per row."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    return table
