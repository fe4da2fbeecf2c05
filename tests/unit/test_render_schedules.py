"""The schedules of a stage as a table."""

from __future__ import annotations

from datetime import UTC, datetime

from ftask.core.firings import ScheduleRecord
from ftask.core.manifest import TypeSchedule
from ftask.ops.schedules import ScheduleState
from ftask.render.schedules import schedule_table
from tests.support.drawing import drawn

NOW = datetime(2026, 12, 1, 6, 30, tzinfo=UTC)


def rows(record: ScheduleRecord) -> list[str]:
    schedule = TypeSchedule(cron="0 6 ? * MON-FRI *", timezone="Europe/Kyiv")
    return drawn(schedule_table([ScheduleState(schedule, record, None).json(NOW)], {}), 80).splitlines()


def test_a_firing_is_one_line_in_the_narrowest_terminal() -> None:
    _, *firings = rows(ScheduleRecord("report"))
    assert [line.split()[-4:] for line in firings[1:3]] == [
        ["2026-12-03", "06:00", "2026-12-03", "04:00"],
        ["2026-12-04", "06:00", "2026-12-04", "04:00"],
    ]
    assert len(firings) == 5


def test_a_paused_one_says_since_when_instead() -> None:
    shown = "\n".join(rows(ScheduleRecord("report", paused_at=NOW)))
    assert "paused since" in shown
    assert "2026-12-01 06:30" in shown
    assert "04:00" not in shown
