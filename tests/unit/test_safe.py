"""What a task, an error or a log says cannot steer the terminal of who reads it."""

from __future__ import annotations

import io
import json

import pytest
from rich.live import Live
from rich.table import Table
from rich.text import Text

from ftask.render.safe import SafeConsole, json_text

# Clears the screen; the same by one character; reverses the text; ends a line early; rings.
ATTACKS = ["\x1b[2J", "\x9b2J", "\u202egnp.exe", "\rall is well", "\x07"]
# Rich leaves out the last two itself.
REPLACED = ATTACKS[:3]


def terminal() -> tuple[SafeConsole, io.StringIO]:
    written = io.StringIO()
    return SafeConsole(file=written, force_terminal=True, color_system=None, width=60), written


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_terminal_gets_no_control_character_from_a_text(attack: str) -> None:
    console, written = terminal()
    table = Table(box=None)
    table.add_column("error")
    table.add_row(Text(f"before{attack}after"))
    console.print(table)
    console.print(f"before{attack}after")
    assert attack[0] not in written.getvalue()
    assert written.getvalue().count("before\N{REPLACEMENT CHARACTER}") == 2 * (attack in REPLACED)


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_live_view_keeps_its_own_control_and_none_of_a_texts(attack: str) -> None:
    console, written = terminal()
    with Live(Text("first"), console=console, auto_refresh=False) as live:
        live.update(Text(f"before{attack}after"), refresh=True)
    assert "\x1b[?25l" in written.getvalue()  # the cursor is hidden while the view is drawn
    assert f"before{attack}" not in written.getvalue()
    assert ("before\N{REPLACEMENT CHARACTER}" in written.getvalue()) is (attack in REPLACED)


def test_colours_and_lines_stay() -> None:
    written = io.StringIO()
    console = SafeConsole(file=written, force_terminal=True, color_system="standard", width=60)
    console.print(Text("a\tb\nc", style="red"))
    assert "\x1b[31m" in written.getvalue()
    assert written.getvalue().count("\n") == 2


@pytest.mark.parametrize("attack", ATTACKS)
def test_json_escapes_what_a_terminal_obeys_and_means_the_same(attack: str) -> None:
    value = {"message": f"größer {attack}", "lines": ["a\nb"]}
    text = json_text(value, indent=2)
    assert attack[0] not in text
    assert "größer" in text
    assert json.loads(text) == value
