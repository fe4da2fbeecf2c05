from __future__ import annotations

import json
import sys
from io import StringIO
from typing import Any

import pytest
from rich.console import RenderableType
from rich.table import Table

from ftask.render.screen import Screen, say_error
from ftask.render.tables import plain_table

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
    assert out.count(TEXT) == 3
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


def wide_table() -> RenderableType:
    table = plain_table(expand=True)
    table.add_column("task", no_wrap=True)
    table.add_column("error", overflow="ellipsis", no_wrap=True, ratio=1)
    table.add_row("a" * 32, "ValueError: " + "x" * 300)
    table.add_row("b" * 32, "short")
    return table


def test_a_pipe_gets_a_line_for_each_row_with_tabs_between_its_cells(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    screen = Screen()
    screen.result(None, wide_table)
    out = capsys.readouterr().out
    assert out.splitlines() == [f"{'a' * 32}\tValueError: {'x' * 300}", f"{'b' * 32}\tshort"]
    assert screen.shown_ids(["a" * 32]) == {"a" * 32: "a" * 32}


def test_a_pipe_gets_a_long_text_whole(capsys: pytest.CaptureFixture[str]) -> None:
    Screen().result(None, lambda: "x" * 30_000)
    assert capsys.readouterr().out == "x" * 30_000 + "\n"


def test_a_terminal_gets_rows_of_its_width_unless_the_user_wants_whole_ones(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "dumb")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    Screen().result(None, wide_table)
    narrow = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 80 for line in narrow)
    assert narrow[1].rstrip().endswith("…")
    assert Screen().shown_ids(["a" * 32]) == {"a" * 32: "a" * 8}
    whole = Screen(whole=True)
    whole.result(None, wide_table)
    assert "x" * 300 in capsys.readouterr().out
    assert whole.shown_ids(["a" * 32]) == {"a" * 32: "a" * 32}


@pytest.mark.parametrize("values", [[], [{"a": 1}], [{"a": [1, {"b": "é\n"}]}, {}, {"c": None}]])
def test_many_results_are_written_as_one_document(values: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    out = StringIO()
    monkeypatch.setattr("sys.stdout", out)
    Screen(json=True).results((value, "text") for value in values)
    assert out.getvalue() == json.dumps(values, indent=2, ensure_ascii=False) + "\n"
    Screen().results((value, "a line") for value in values)
    assert out.getvalue().endswith("a line\n" * len(values))
