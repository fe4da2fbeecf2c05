"""The schedules of a stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.text import Text

from ftask.render.statuses import firings, status_text
from ftask.render.tables import plain_table


def schedule_table(schedules: Sequence[Mapping[str, Any]], ids: Mapping[str, str]) -> RenderableType:
    """Draw one schedule per row, from their JSON form; `ids` are the ids of tasks as they are shown."""
    table = plain_table()
    for heading in ("schedule", "fires", "next in its zone", "next in UTC", "last firing"):
        table.add_column(heading, overflow="fold", no_wrap=heading not in ("fires", "last firing"))
    for schedule in schedules:
        next_ones: tuple[RenderableType, RenderableType] = firings(schedule)
        if schedule["pausedAt"] is not None:
            next_ones = Text(f"paused since\n{_minute(schedule['pausedAt'])}", style="bold yellow"), ""
        table.add_row(schedule["name"], schedule["words"], *next_ones, _last(schedule["lastFiring"], ids))
    return table


def _last(firing: Mapping[str, Any] | None, ids: Mapping[str, str]) -> Text:
    if firing is None:
        return Text("never", style="dim")
    line = Text(f"{_minute(firing['at'])}  ")
    if "taskId" in firing:
        return line.append_text(status_text(firing["status"])).append(f"  {ids[firing['taskId']]}")
    return line.append("skipped: " + firing["skipped"] if "skipped" in firing else "waits", style="yellow")


def _minute(moment: str) -> str:
    return moment[:16].replace("T", " ")
