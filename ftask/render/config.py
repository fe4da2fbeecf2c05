"""The settings in effect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType

from ftask.render.tables import plain_table


def settings_table(rows: Sequence[Mapping[str, Any]]) -> RenderableType:
    """Draw one setting per row, from the JSON form: its name, value and source."""
    table = plain_table("setting", "value", "from")
    for row in rows:
        value = row["value"]
        text = str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
        table.add_row(row["name"], text, row["source"])
    return table
