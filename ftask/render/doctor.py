"""What `doctor` found, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from ftask.ops.doctor import Finding, Level

SIGNS: Mapping[Level, tuple[str, str]] = {
    Level.OK: ("✓", "green"),
    Level.NOTE: ("·", "cyan"),
    Level.WARNING: ("!", "yellow"),
    Level.ERROR: ("✗", "bold red"),
}


def finding_json(found: Finding, repair: str | None) -> dict[str, Any]:
    return {
        "check": found.check,
        "level": str(found.level),
        "message": found.message,
        "hint": found.hint,
        "fixable": found.fix is not None,
        "repair": repair,
    }


def findings_table(findings: Sequence[Finding], repairs: Mapping[int, str]) -> RenderableType:
    """One finding a row; `repairs` says of some, by their number, what was done."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="dim")
    table.add_column(overflow="fold")
    for number, found in enumerate(findings):
        sign, style = SIGNS[found.level]
        text = Text(found.message, style="" if found.level is Level.OK else style)
        if number in repairs:
            text.append(f"\n{repairs[number]}", style="green")
        elif found.hint:
            text.append(f"\n{found.hint}", style="dim")
        table.add_row(Text(sign, style=style), found.check, text)
    return table
