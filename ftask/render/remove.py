"""What a removal deletes and keeps."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ftask.deploy.apply import Removal
from ftask.deploy.changes import DATA_TYPES
from ftask.render.tables import plain_table


def removal_json(stack_name: str, removal: Removal) -> dict[str, Any]:
    """Return the JSON form of a removal: the stack, and what stays of it."""
    return {
        "removed": stack_name,
        "kept": [
            {"resource": resource.logical_id, "type": resource.resource_type, "name": resource.physical_id}
            for resource in removal.kept
        ],
    }


def removal_table(removal: Removal) -> RenderableType:
    """Draw one resource per row: first those that a removal deletes, data in bold, then those that it keeps."""
    table = plain_table("", "resource", "type")
    for resource in removal.resources:
        style = "bold red" if resource.resource_type in DATA_TYPES else "red"
        table.add_row(Text("-", style=style), Text(resource.logical_id, style=style), resource.resource_type)
    for resource in removal.kept:
        table.add_row("", Text(resource.logical_id, style="green"), f"{resource.resource_type}, kept")
    return table
