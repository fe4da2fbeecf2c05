"""The next firings of a declared schedule, and the last one that a pause has missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ftask.core.manifest import TypeSchedule
from ftask.schedules.upcoming import described, last_firing, upcoming

NOW = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)
DAILY = TypeSchedule("0 6 * * ? *", "Europe/Kyiv")


def test_a_description_has_the_next_five_firings_in_utc_and_in_the_zone() -> None:
    shown = described(DAILY, NOW)
    assert shown["words"] == "at 06:00 every day (Europe/Kyiv)"
    assert len(shown["nextFirings"]) == 5
    assert shown["nextFirings"][0] == {"utc": "2026-12-02T04:00:00.000Z", "local": "2026-12-02T06:00+02:00"}


def test_an_interval_counts_from_its_last_firing() -> None:
    schedule = TypeSchedule(every="15m")
    assert upcoming(schedule, NOW) == []
    assert upcoming(schedule, NOW, NOW - timedelta(minutes=1))[:2] == [
        NOW + timedelta(minutes=14),
        NOW + timedelta(minutes=29),
    ]


@pytest.mark.parametrize(
    ("schedule", "since", "missed"),
    [
        (DAILY, NOW - timedelta(days=3), datetime(2026, 12, 1, 4, tzinfo=UTC)),
        (DAILY, datetime(2026, 12, 1, 4, tzinfo=UTC), None),
        (TypeSchedule("* * * * ? *"), NOW - timedelta(days=1000), NOW),
        (TypeSchedule("0 0 29 2 ? *"), NOW - timedelta(days=1100), datetime(2024, 2, 29, tzinfo=UTC)),
        (TypeSchedule(every="1h"), NOW - timedelta(minutes=150), NOW - timedelta(minutes=30)),
        (TypeSchedule(every="1h"), NOW - timedelta(minutes=59), None),
    ],
)
def test_the_last_firing_that_was_missed(schedule: TypeSchedule, since: datetime, missed: datetime | None) -> None:
    assert last_firing(schedule, since, NOW) == missed
