"""The state of a stage."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ftask.render.statuses import consumption_text
from ftask.render.tables import fact_table
from ftask.render.texts import duration


def info_table(info: Mapping[str, Any]) -> RenderableType:
    """Draw the state of a stage, from its JSON form."""
    table = fact_table()
    table.add_row("stage", f"{info['stage']} ({info['stackStatus']}, {info['region']})")
    table.add_row("API", info["apiUrl"])
    queue = info["queue"]
    table.add_row("queue", f"{queue['visible']:,} waiting, {queue['inFlight']:,} in flight")
    oldest_seconds = queue["oldestSeconds"]
    table.add_row("oldest message", "unknown" if oldest_seconds is None else duration(oldest_seconds))
    letters = info["deadLetters"]
    table.add_row("dead letters", Text(f"{letters:,}", style="bold red" if letters else "green"))
    worker = info["worker"]
    table.add_row("worker", consumption_text(worker["state"], has_problem=worker["problem"] is not None))
    table.add_row("API code", info["codeSha256"])
    table.add_row("worker code", info["workerCodeSha256"])
    for name, url in info["console"].items():
        table.add_row(f"console: {name}", Text(url, style=f"link {url}"))
    for name, value in info["parameters"].items():
        table.add_row(name, value)
    return table
