"""The state of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.render.times import duration


def info_table(info: Mapping[str, Any]) -> RenderableType:
    """The state of a stage, from its JSON form."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    table.add_row("stage", f"{info['stage']} ({info['stackStatus']}, {info['region']})")
    table.add_row("API", info["apiUrl"])
    queue = info["queue"]
    table.add_row("queue", f"{queue['visible']} waiting, {queue['inFlight']} in flight")
    oldest = queue["oldestSeconds"]
    table.add_row("oldest message", "not known" if oldest is None else duration(oldest))
    letters = info["deadLetters"]
    table.add_row("dead letters", Text(str(letters), style="bold red" if letters else "green"))
    consuming = info["worker"]["state"]
    table.add_row("worker", Text(consuming, style="green" if consuming == "Enabled" else "yellow"))
    table.add_row("code", info["codeSha256"][:12])
    for name, url in info["console"].items():
        table.add_row(f"console: {name}", Text(url, style=f"link {url}"))
    for name, value in info["parameters"].items():
        table.add_row(name, value)
    return table
