"""The look that all tables share: no lines, dim headings, two spaces between columns; in a pipe, tabs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.console import Group, RenderableType
from rich.padding import Padding
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


def fact_table(facts: Mapping[str, RenderableType | None] | None = None) -> Table:
    """Return a table of names and values, one pair per row; None leaves a row out."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in (facts or {}).items():
        if value is not None:
            table.add_row(name, value)
    return table


def block_table() -> Table:
    """Return an empty table of numbers and the lines that follow each."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(justify="right", style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    return table


def plain_lines(picture: RenderableType) -> Iterator[str]:
    """Yield the lines of a picture as another program reads them: a row is one line, its cells separated by tabs."""
    match picture:
        case Table():
            for row in zip(*(column.cells for column in picture.columns), strict=True):
                yield "\t".join(" ".join(str(cell).split()) for cell in row)
        case Group():
            for part in picture.renderables:
                yield from plain_lines(part)
        case Padding():
            yield from plain_lines(picture.renderable)
        case _:
            yield str(picture)
