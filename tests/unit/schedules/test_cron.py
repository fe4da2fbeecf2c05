"""Cron expressions: the tables of AWS's documentation, the errors with their position, the days that fire.

https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-cron-expressions.html
https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice

import pytest

from ftask.schedules.cron import ExpressionError, parse_cron
from ftask.schedules.timetable import Timetable
from ftask.schedules.words import in_words

# A Tuesday.
START = datetime(2026, 12, 1, tzinfo=UTC)


def firings(cron: str, count: int = 3, after: datetime = START, timezone: str = "UTC") -> list[str]:
    timetable = Timetable(cron=cron, timezone=timezone)
    return [f"{moment:%Y-%m-%d %H:%M}" for moment in islice(timetable.firings(after), count)]


@pytest.mark.parametrize(
    ("cron", "words", "expected"),
    [
        ("0 10 * * ? *", "at 10:00 every day (UTC)", ["2026-12-01 10:00", "2026-12-02 10:00"]),
        ("15 12 * * ? *", "at 12:15 every day (UTC)", ["2026-12-01 12:15", "2026-12-02 12:15"]),
        ("0 18 ? * MON-FRI *", "at 18:00 on Monday to Friday (UTC)", ["2026-12-01 18:00", "2026-12-02 18:00"]),
        ("0 8 1 * ? *", "at 08:00 on day 1 of the month (UTC)", ["2026-12-01 08:00", "2027-01-01 08:00"]),
        ("0/15 * * * ? *", "every 15 minutes (UTC)", ["2026-12-01 00:15", "2026-12-01 00:30"]),
        ("0/10 * ? * MON-FRI *", "every 10 minutes on Monday to Friday (UTC)", ["2026-12-01 00:10"]),
        (
            "0/5 8-17 ? * MON-FRI *",
            "every 5 minutes in hour 08 to 17 on Monday to Friday (UTC)",
            ["2026-12-01 08:00", "2026-12-01 08:05"],
        ),
        # Between 20:00 on the starting day and 02:00 on the following one; also from 00:00 on Monday morning.
        (
            "0/30 20-2 ? * MON-FRI *",
            "every 30 minutes in hour 00 to 02 and 20 to 23 on Monday to Friday (UTC)",
            [
                *("2026-12-01 00:30", "2026-12-01 01:00", "2026-12-01 01:30", "2026-12-01 02:00", "2026-12-01 02:30"),
                "2026-12-01 20:00",
            ],
        ),
        ("0 9 ? * 2#1 *", "at 09:00 on the first Monday of the month (UTC)", ["2026-12-07 09:00", "2027-01-04 09:00"]),
        ("0 9 ? * 3#2 *", "at 09:00 on the second Tuesday of the month (UTC)", ["2026-12-08 09:00"]),
        (
            "15 10 ? * 6L 2026-2027",
            "at 10:15 on the last Friday of the month in 2026 and 2027 (UTC)",
            ["2026-12-25 10:15", "2027-01-29 10:15"],
        ),
        (
            "1/10 0 * * ? *",
            "at minute 1, 11, 21, 31, 41 and 51 of every hour in hour 00 every day (UTC)",
            ["2026-12-01 00:01", "2026-12-01 00:11", "2026-12-01 00:21", "2026-12-01 00:31"],
        ),
        ("0 0 L * ? *", "at 00:00 on the last day of the month (UTC)", ["2026-12-31 00:00", "2027-01-31 00:00"]),
        ("0 0 LW * ? *", "at 00:00 on the last weekday of the month (UTC)", ["2026-12-31 00:00", "2027-01-29 00:00"]),
        # 3 January 2027 is a Sunday, 3 October a Sunday too.
        (
            "0 0 3W * ? *",
            "at 00:00 on the weekday nearest to day 3 of the month (UTC)",
            ["2026-12-03 00:00", "2027-01-04 00:00", "2027-02-03 00:00"],
        ),
        ("0 0 ? * L *", "at 00:00 on Saturday (UTC)", ["2026-12-05 00:00", "2026-12-12 00:00"]),
        (
            "0 0 1-15 JAN,FEB,MAR ? *",
            "at 00:00 on day 1 to 15 of the month in January to March (UTC)",
            ["2027-01-01 00:00", "2027-01-02 00:00"],
        ),
        ("0 0 29 2 ? *", "at 00:00 on day 29 of the month in February (UTC)", ["2028-02-29 00:00", "2032-02-29 00:00"]),
    ],
)
def test_the_documented_expressions_fire_when_the_documentation_says(
    cron: str, words: str, expected: list[str]
) -> None:
    assert firings(cron, len(expected)) == expected
    assert in_words(Timetable(cron=cron)) == words


def test_the_nearest_weekday_stays_in_its_month() -> None:
    # 1 May 2027 is a Saturday; 31 January 2027 is a Sunday.
    assert firings("0 0 1W 5 ? 2027", 1) == ["2027-05-03 00:00"]
    assert firings("0 0 31W 1 ? 2027", 1) == ["2027-01-29 00:00"]


@pytest.mark.parametrize(
    ("cron", "problem"),
    [
        ("0 6 * * ?", "it has 5 fields, and six are needed"),
        ("0 6 * * ? * *", "it has 7 fields, and six are needed"),
        ("", "it has 0 fields"),
        ("60 6 * * ? *", "'60' at character 1: minutes must be from 0 to 59"),
        ("0 24 * * ? *", "'24' at character 3: hours must be from 0 to 23"),
        ("0 6 0 * ? *", "'0' at character 5: day of month must be from 1 to 31"),
        ("0 6 * 13 ? *", "'13' at character 7: month must be from 1 to 12"),
        ("0 6 ? * 8 *", "'8' at character 9: day of week must be from 1 to 7"),
        ("0 6 * * ? 1969", "'1969' at character 11: year must be from 1970 to 2199"),
        ("0 6 * * ? 2030-2029", "the first year is after the last"),
        ("0 6 * * * *", "exactly one of day of month and day of week must be ?"),
        ("0 6 ? * ? *", "exactly one of day of month and day of week must be ?"),
        ("? 6 * * ? *", "'?' at character 1: expected minutes from 0 to 59"),
        ("0  6,7,x * * ? *", "'X' at character 8: expected hours from 0 to 23"),
        ("0 6 * MAI ? *", "expected month from 1 to 12, or JAN to DEC"),
        ("0 6 ? * 3#6 *", "'6' at character 11: its number in the month must be from 1 to 5"),
        ("0 6 ? * 3#1,6#3 *", "write one day#number alone"),
        ("0 6 ? * 2/2 *", "day of week has no steps"),
        ("0 6 32W * ? *", "'32' at character 5: day of month must be from 1 to 31"),
        ("0 6 L-3 * ? *", "'L' at character 5: expected day of month"),
        ("0/0 6 * * ? *", "'0' at character 3: a step of minutes must be from 1 to 59"),
        ("0/1/2 6 * * ? *", "write one / in each item"),
        ("1-2-3 6 * * ? *", "write a range as first-last"),
        ("*,5 6 * * ? *", "* stands alone"),
        ("5, 6 * * ? *", "'' at character 3: expected minutes"),
        ("0 6 31 2 ? *", "'31' at character 5: no year has such a day, so it would never fire"),
        ("0 6 31W 2,4 ? *", "no year has such a day"),
        ("0 6 29 2 ? 2027", "no year has such a day"),
        ("0/99999999999 6 * * ? *", "expected a step of minutes from 1 to 59"),
        ("\u0661 6 * * ? *", "expected minutes"),
    ],
)
def test_an_invalid_expression_is_refused_with_the_place_and_the_reason(cron: str, problem: str) -> None:
    with pytest.raises(ExpressionError) as refused:
        parse_cron(cron)
    assert problem in refused.value.message
    assert repr(cron) in refused.value.message
    assert "0 6 * * ? *" in (refused.value.hint or "")


def test_what_aws_gets_is_the_expression_in_capitals_with_single_spaces() -> None:
    assert Timetable(cron=" 0  6 ? * mon-Fri *").expression == "cron(0 6 ? * MON-FRI *)"


class TestTheChangeOfClocks:
    """Kyiv: 29 March 2026 has no 03:00 to 03:59; 25 October 2026 has that hour twice."""

    def test_a_local_time_that_does_not_exist_does_not_fire(self) -> None:
        fired = firings("30 3 * 3 ? *", 3, datetime(2026, 3, 27, 12, tzinfo=UTC), "Europe/Kyiv")
        assert fired == ["2026-03-28 01:30", "2026-03-30 00:30", "2026-03-31 00:30"]

    def test_a_local_time_that_exists_twice_fires_once(self) -> None:
        fired = firings("30 3 * 10 ? *", 3, datetime(2026, 10, 23, 12, tzinfo=UTC), "Europe/Kyiv")
        assert fired == ["2026-10-24 00:30", "2026-10-25 00:30", "2026-10-26 01:30"]

    def test_after_its_first_occurrence_the_repeated_time_does_not_fire_again(self) -> None:
        between = datetime(2026, 10, 25, 0, 45, tzinfo=UTC)
        assert firings("30 3 * 10 ? *", 1, between, "Europe/Kyiv") == ["2026-10-26 01:30"]

    def test_the_other_times_of_these_days_keep_to_the_clock_on_the_wall(self) -> None:
        fired = firings("0 6 * * ? *", 2, datetime(2026, 3, 28, 0, tzinfo=UTC), "Europe/Kyiv")
        assert fired == ["2026-03-28 04:00", "2026-03-29 03:00"]

    def test_a_change_of_half_an_hour_and_one_at_midnight(self) -> None:
        # Lord Howe: 02:00 to 02:29 are missing on 4 October 2026. Beirut: 00:00 to 00:59 on 29 March 2026.
        assert firings("15 2 4 10 ? 2026", 1, START.replace(year=2025), "Australia/Lord_Howe") == []
        assert firings("45 2 4 10 ? 2026", 1, START.replace(year=2025), "Australia/Lord_Howe") == ["2026-10-03 15:45"]
        assert firings("0 0 29 3 ? 2026", 1, START.replace(year=2025), "Asia/Beirut") == []

    def test_the_last_day_of_a_month_is_that_of_the_zone(self) -> None:
        assert firings("0 1 L * ? *", 1, START, "Pacific/Auckland") == ["2026-12-30 12:00"]


class TestIntervals:
    @pytest.mark.parametrize(
        ("every", "expression", "words"),
        [
            ("1m", "rate(1 minute)", "every minute"),
            ("15m", "rate(15 minutes)", "every 15 minutes"),
            ("1h", "rate(1 hour)", "every hour"),
            ("2d", "rate(2 days)", "every 2 days"),
        ],
    )
    def test_an_interval_is_a_rate(self, every: str, expression: str, words: str) -> None:
        assert (Timetable(every=every).expression, in_words(Timetable(every=every))) == (expression, words)

    @pytest.mark.parametrize("every", ["", "0m", "30s", "1.5h", "-5m", "15", "m", "367d", "1000000m"])
    def test_an_invalid_interval_is_refused(self, every: str) -> None:
        with pytest.raises(ExpressionError, match="Invalid interval"):
            Timetable(every=every)

    def test_it_counts_from_its_last_firing_and_is_not_guessed_without_one(self) -> None:
        last = datetime(2026, 11, 30, 23, 50, tzinfo=UTC)
        firings = islice(Timetable(every="15m").firings(START, last), 2)
        assert [f"{moment:%H:%M}" for moment in firings] == ["00:05", "00:20"]
        assert list(Timetable(every="15m").firings(START)) == []


def test_a_timetable_has_a_cron_or_an_interval_and_a_known_zone() -> None:
    for wrong in ({}, {"cron": "0 6 * * ? *", "every": "1d"}, {"every": "1d", "timezone": "Europe/Kyiv"}):
        with pytest.raises(ExpressionError):
            Timetable(**wrong)
    for zone in ("Europe/Nowhere", "", "../etc/passwd", "europe/kyiv"):
        with pytest.raises(ExpressionError, match="Unknown time zone"):
            Timetable(cron="0 6 * * ? *", timezone=zone)
