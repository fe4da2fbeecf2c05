"""The findings of `ftask doctor`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.ops.finding import Finding, Level

SIGNS: Mapping[Level, tuple[str, str]] = {
    Level.OK: ("✓", "green"),
    Level.NOTE: ("·", "cyan"),
    Level.WARNING: ("!", "yellow"),
    Level.ERROR: ("✗", "bold red"),
}


def finding_json(finding: Finding, repair: str | None) -> dict[str, Any]:
    """Return the JSON form of a finding; `repair` says how it was repaired, if it was."""
    return {
        "check": finding.check,
        "level": str(finding.level),
        "message": finding.message,
        "hint": finding.hint,
        "fixable": finding.fix is not None,
        "repair": repair,
    }


def findings_table(findings: Sequence[Finding], repairs: Mapping[int, str]) -> RenderableType:
    """Draw one finding per row; `repairs` says how some were repaired, by their position in `findings`."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for position, finding in enumerate(findings):
        sign, style = SIGNS[finding.level]
        text = Text(finding.message, style="" if finding.level is Level.OK else style)
        if position in repairs:
            text.append(f"\n{repairs[position]}", style="green")
        elif finding.hint:
            text.append(f"\n{finding.hint}", style="dim")
        table.add_row(Text(sign, style=style), finding.check, text)
    return table
