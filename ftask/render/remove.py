"""What a removal deletes and keeps."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.deploy.apply import Removal
from ftask.deploy.plan import DATA_TYPES


def removal_json(stack_name: str, removal: Removal) -> dict[str, Any]:
    return {
        "removed": stack_name,
        "kept": [
            {"resource": each.logical_id, "type": each.resource_type, "name": each.physical_id} for each in removal.kept
        ],
    }


def removal_table(removal: Removal) -> RenderableType:
    """What a removal deletes, data in bold, and what it keeps."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("", "resource", "type"):
        table.add_column(heading, overflow="fold")
    for resource in removal.resources:
        style = "bold red" if resource.resource_type in DATA_TYPES else "red"
        table.add_row(Text("-", style=style), Text(resource.logical_id, style=style), resource.resource_type)
    for resource in removal.kept:
        table.add_row("", Text(resource.logical_id, style="green"), f"{resource.resource_type}, kept")
    return table
