"""The settings in effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table


def settings_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """One row a setting."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("setting", "value", "from"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        value = row["value"]
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        table.add_row(row["name"], text, row["source"])
    return table
