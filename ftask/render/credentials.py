"""The keys of the local engine."""

from __future__ import annotations

from collections.abc import Mapping

from rich.console import RenderableType

from ftask.render.tables import fact_table


def credentials_table(value: Mapping[str, str]) -> RenderableType:
    """Draw the keys and where they are valid, from their JSON form."""
    table = fact_table()
    table.add_row("access key id", value["accessKeyId"])
    table.add_row("secret access key", value["secretAccessKey"])
    table.add_row("region", value["region"])
    table.add_row("endpoint URL", value["endpointUrl"])
    return table
