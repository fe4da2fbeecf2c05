from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ftask.core.due import Due, DueError, parse_due

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("delay", "at", "time"),
    [
        (600, None, NOW + timedelta(minutes=10)),
        ("600", None, NOW + timedelta(minutes=10)),
        (0, None, NOW),
        ("1.5", None, NOW + timedelta(milliseconds=1500)),
        (366 * 86_400, None, NOW + timedelta(days=366)),
        (None, "2027-01-01T09:00Z", datetime(2027, 1, 1, 9, tzinfo=UTC)),
        (None, "2027-01-01T09:00:00.1239+02:00", datetime(2027, 1, 1, 7, 0, 0, 123_000, tzinfo=UTC)),
    ],
)
def test_a_task_is_due_after_its_delay_or_at_its_time(delay: Any, at: Any, time: datetime) -> None:
    due = parse_due(delay, at, NOW)
    assert due is not None
    assert due.time(NOW) == time


def test_without_either_a_task_is_due_at_once() -> None:
    assert parse_due(None, None, NOW) is None


@pytest.mark.parametrize(
    ("delay", "at", "problem"),
    [
        (-5, None, "Invalid delay -5"),
        ("-5", None, "Invalid delay '-5'"),
        (float("nan"), None, "Invalid delay nan"),
        (float("inf"), None, "the limit is 366 days"),
        ("1e3", None, "Invalid delay '1e3'"),
        (True, None, "Invalid delay True"),
        ("10m", None, "Invalid delay '10m'"),
        (366 * 86_400 + 1, None, "the limit is 366 days"),
        ("9" * 5000, None, "Invalid delay"),
        (None, "2026-12-01T08:59Z", "it is past"),
        (None, "2026-12-01T09:00Z", "it is past"),
        (None, "2027-12-03T09:00Z", "more than 366 days ahead"),
        (None, "2027-02-31T09:00Z", "day"),
        (None, "2027-01-01T09:00", "it has no time zone"),
        (None, "tomorrow", "Invalid time 'tomorrow'"),
        (None, 5, "Invalid time 5"),
        (None, "0001-01-01T00:00+14:00", "Invalid time"),
        (5, "2027-01-01T09:00Z", "not both"),
    ],
)
def test_an_invalid_due_time_is_refused_with_its_value(delay: Any, at: Any, problem: str) -> None:
    with pytest.raises(DueError) as refused:
        parse_due(delay, at, NOW)
    assert problem in refused.value.message
    assert refused.value.hint


def test_a_due_time_is_a_delay_from_the_submission_or_fixed() -> None:
    later = NOW + timedelta(hours=1)
    assert Due(delay=timedelta(seconds=5)).time(later) == later + timedelta(seconds=5)
    assert Due(at=NOW).time(later) == NOW
