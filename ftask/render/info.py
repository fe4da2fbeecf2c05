"""The state of a stage: `ftask info`, one reading of `ftask top` as a line, and the findings of `ftask doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.core.text import plural
from ftask.doctor.finding import Finding, Level
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


SIGNS: Mapping[Level, tuple[str, str]] = {
    Level.OK: ("✓", "green"),
    Level.NOTE: ("·", "cyan"),
    Level.WARNING: ("!", "yellow"),
    Level.ERROR: ("✗", "bold red"),
}


def findings_table(findings: Sequence[Finding]) -> RenderableType:
    """Draw one finding per row, each with its repair if that was made, and a summary."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for finding in findings:
        sign, style = SIGNS[Level.OK if finding.is_repaired else finding.level]
        text_style = "dim" if finding.is_repaired else "" if finding.level is Level.OK else style
        text = Text(finding.message, style=text_style)
        if finding.repair is not None:
            text.append(f"\n{finding.repair}", style="green" if finding.is_repaired else "yellow")
        elif finding.hint:
            text.append(f"\n{finding.hint}", style="dim")
        table.add_row(Text(sign, style=style), finding.check, text)
    return Lines(table, Text(f"\n{summary(findings)}"))


def summary(findings: Sequence[Finding]) -> str:
    """Return how many findings are good, were repaired and need attention, like `9 ok, 1 repaired, 2 problems.`"""
    left = [finding for finding in findings if not finding.is_repaired]
    problems = sum(finding.needs_attention for finding in left)
    notes = sum(finding.level is Level.NOTE for finding in left)
    fixable = sum(finding.fix is not None for finding in left)
    repaired = len(findings) - len(left)
    parts = [
        f"{sum(finding.level is Level.OK for finding in left)} ok",
        *([f"{repaired} repaired"] if repaired else []),
        *([plural(notes, "note")] if notes else []),
        plural(problems, "problem") if problems else "no problems",
    ]
    was_tried = any(finding.repair is not None for finding in findings)
    return ", ".join(parts) + (f"; --fix can repair {fixable}" if fixable and not was_tried else "") + "."
