"""The findings of `ftask doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.core.text import plural
from ftask.ops.finding import Finding, Level, Repair

SIGNS: Mapping[Level, tuple[str, str]] = {
    Level.OK: ("✓", "green"),
    Level.NOTE: ("·", "cyan"),
    Level.WARNING: ("!", "yellow"),
    Level.ERROR: ("✗", "bold red"),
}


def finding_json(finding: Finding, repair: Repair | None) -> dict[str, Any]:
    """Return the JSON form of a finding and of the result of its repair, None without one."""
    return {
        "check": finding.check,
        "level": str(finding.level),
        "message": finding.message,
        "hint": finding.hint,
        "fixable": finding.fix is not None,
        "repair": None if repair is None else repair.text,
        "repaired": repair is not None and repair.is_done,
    }


def findings_table(findings: Sequence[Finding], repairs: Mapping[int, Repair]) -> RenderableType:
    """Draw one finding per row and a summary; `repairs` are those that were made, by position in `findings`."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for position, finding in enumerate(findings):
        repair = repairs.get(position)
        is_repaired = repair is not None and repair.is_done
        sign, style = SIGNS[Level.OK if is_repaired else finding.level]
        text = Text(finding.message, style="dim" if is_repaired else "" if finding.level is Level.OK else style)
        if repair is not None:
            text.append(f"\n{repair.text}", style="green" if repair.is_done else "yellow")
        elif finding.hint:
            text.append(f"\n{finding.hint}", style="dim")
        table.add_row(Text(sign, style=style), finding.check, text)
    return Lines(table, Text(f"\n{summary(findings, repairs)}"))


def summary(findings: Sequence[Finding], repairs: Mapping[int, Repair]) -> str:
    """Return how many findings are good, were repaired and need attention, like `9 ok, 1 repaired, 2 problems`."""
    repaired = {position for position, repair in repairs.items() if repair.is_done}
    left = [finding for position, finding in enumerate(findings) if position not in repaired]
    problems = sum(finding.needs_attention for finding in left)
    notes = sum(finding.level is Level.NOTE for finding in left)
    fixable = sum(finding.fix is not None for finding in left)
    parts = [
        f"{sum(finding.level is Level.OK for finding in left)} ok",
        *([f"{len(repaired)} repaired"] if repaired else []),
        *([plural(notes, "note")] if notes else []),
        plural(problems, "problem") if problems else "no problems",
    ]
    return ", ".join(parts) + (f"; --fix can repair {fixable}" if fixable and not repairs else "") + "."
