"""The look that all tables share: no lines, dim headings, two spaces between columns."""

from __future__ import annotations

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table

# What is drawn this wide is for a pipe or for --no-trunc: no row is cut, or filled up with spaces.
UNLIMITED_WIDTH = 10_000


class _PlainTable(Table):
    """A table that is as wide as its cells where it may be as wide as it likes."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= UNLIMITED_WIDTH:
            self.expand = False
        yield from super().__rich_console__(console, options)


def plain_table(*headings: str, expand: bool = False) -> Table:
    """Return an empty table whose columns continue long text on the next line.

    Columns of another kind (numbers, text that must stay on one line) are added to it with `add_column`.
    """
    table = _PlainTable(box=None, padding=(0, 2, 0, 0), header_style="dim", expand=expand)
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
