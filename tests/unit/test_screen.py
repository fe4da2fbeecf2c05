from __future__ import annotations

import sys

import pytest
from rich.table import Table

from ftask.render.screen import Screen, say_error

# Rich would read the first as styles and the second as a picture.
TEXT = "path[bold]/[/x] is :ok:"


def test_text_is_shown_unchanged(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen()
    table = Table(TEXT)
    table.add_row(TEXT)
    screen.result(None, lambda: table)
    screen.result(None, lambda: TEXT)
    screen.line(None, TEXT)
    screen.note(TEXT)
    screen.warn(TEXT)
    say_error(TEXT, TEXT)
    out, err = capsys.readouterr()
    assert out.count(TEXT) == 4
    assert err.count(TEXT) == 4


def test_nothing_is_drawn_in_place_on_a_terminal_that_cannot_move_its_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    assert Screen().live
    monkeypatch.setenv("TERM", "dumb")
    assert not Screen().live


def test_a_quiet_screen_keeps_its_warnings(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(quiet=True)
    screen.note("a note")
    screen.picture("a picture")
    screen.warn("a warning")
    assert capsys.readouterr().err == "a warning\n"


def test_with_json_stdout_has_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    screen = Screen(json=True)
    screen.picture("a picture")
    screen.result({"a": 1}, lambda: "drawn")
    assert capsys.readouterr().out == '{\n  "a": 1\n}\n'
