from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ftask.cli.usage import InvalidOptionError, parse_when
from ftask.core.timestamps import now


@pytest.mark.parametrize(
    ("text", "ago"), [("90s", 90), ("15m", 900), ("2h", 7200), ("1.5h", 5400), ("3d", 259_200), ("1w", 604_800)]
)
def test_so_long_ago(text: str, ago: float) -> None:
    moment = parse_when(text, "--since")
    assert moment is not None
    assert timedelta(0) <= now() - moment - timedelta(seconds=ago) < timedelta(seconds=60)


def test_a_date_with_a_zone_is_that_moment() -> None:
    assert parse_when("2026-03-01T12:00:00Z", "--since") == datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_date_without_a_zone_is_local() -> None:
    assert parse_when("2026-03-01", "--since") == datetime(2026, 3, 1).astimezone()


def test_nothing_is_nothing() -> None:
    assert parse_when(None, "--since") is None


@pytest.mark.parametrize("text", ["", "yesterday", "2 fortnights", "2026-13-01", "-1h", "99999999999d"])
def test_anything_else_is_refused(text: str) -> None:
    expected = "expected a duration like 30m or a time like 2026-11-24T09:00Z."
    with pytest.raises(InvalidOptionError) as caught:
        parse_when(text, "--since")
    assert caught.value.message == f"Invalid --since {text!r}: {expected}"
