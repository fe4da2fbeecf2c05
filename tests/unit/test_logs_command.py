from __future__ import annotations

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.cli.logs import parse_pattern
from ftask.cli.usage import InvalidOptionError


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("invoice", "Invoice 17", True),
        ("Invoice", "invoice 17", False),
        ("order \\D+ late", "Order is late", True),
        ("order 1[78]", "order 17", True),
        ("order 1[78]", "order 19", False),
    ],
)
def test_a_pattern_without_capital_letters_ignores_case(pattern: str, text: str, matches: bool) -> None:
    assert bool(parse_pattern(pattern).search(text)) is matches


def test_warn_is_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    # No stage is there, and so the command ends after it has read its options.
    monkeypatch.setenv("FTASK_STAGE", "No")
    ended = {level: CliRunner().invoke(app, ["logs", "--level", level]).stderr for level in ("WARN", "warning", "WRN")}
    assert ended["WARN"] == ended["warning"]
    assert "Invalid stage name" in ended["WARN"]
    assert "Invalid --level 'WRN'" in ended["WRN"]


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "(" * 5000 + ")" * 5000])
def test_what_is_not_a_regular_expression_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidOptionError, match="expected a regular expression"):
        parse_pattern(pattern)
