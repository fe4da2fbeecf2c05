"""The state of a stage: `ftask info`, and one reading of `ftask top` as a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ftask.core.text import plural
from ftask.ops.top import StageSnapshot
from ftask.render.statuses import consumption_text
from ftask.render.tables import fact_table
from ftask.render.texts import clock_time, duration


def info_table(info: Mapping[str, Any]) -> RenderableType:
    """Draw the state of a stage, from its JSON form."""
    queue, letters, worker = info["queue"], info["deadLetters"], info["worker"]
    oldest_seconds = queue["oldestSeconds"]
    return fact_table(
        {
            "stage": f"{info['stage']} ({info['stackStatus']}, {info['region']})",
            "API": info["apiUrl"],
            "queue": f"{queue['visible']:,} waiting, {queue['inFlight']:,} in flight",
            "oldest message": "unknown" if oldest_seconds is None else duration(oldest_seconds),
            "dead letters": Text(f"{letters:,}", style="bold red" if letters else "green"),
            "worker": consumption_text(worker["state"], has_problem=worker["problem"] is not None),
            "API code": info["codeSha256"],
            "worker code": info["workerCodeSha256"],
            **{f"console: {name}": Text(url, style=f"link {url}") for name, url in info["console"].items()},
            **info["parameters"],
        }
    )


def line(snapshot: StageSnapshot) -> str:
    """Return one snapshot as one line of plain text."""
    return (
        f"{clock_time(snapshot.at)}  {snapshot.completed_rate:.1f} completed/s  {snapshot.waiting:,} waiting"
        f"  {snapshot.in_flight:,} in flight  {plural(snapshot.dead_letters, 'dead letter')}"
        f"  {snapshot.failed:,} FAILED{'' if snapshot.problem is None else f'  {snapshot.problem}'}"
    )
