"""When a task type runs by itself: by a cron expression in a time zone, or at a steady interval."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cached_property
from zoneinfo import ZoneInfo, available_timezones

from ftask.core.manifest import TypeSchedule
from ftask.schedules.cron import Cron, ExpressionError, parse_cron

_INTERVAL = re.compile(r"([0-9]{1,6})([mhd])")
_UNITS = {"m": ("minute", 1), "h": ("hour", 60), "d": ("day", 24 * 60)}
_MAX_INTERVAL_DAYS = 366


@dataclass(frozen=True)
class Timetable:
    """A checked cron expression with its time zone, or an interval like 15m."""

    cron: str | None = None
    timezone: str = "UTC"
    every: str | None = None

    def __post_init__(self) -> None:
        if (self.cron is None) == (self.every is None):
            raise ExpressionError("A schedule has either cron or every.", "Remove one of them.")
        if self.cron is None:
            _ = self.interval
            if self.timezone != "UTC":
                raise ExpressionError("every=… has no time zone.", "Remove timezone, or write cron=….")
        else:
            _ = self.fields
        # Where there is no database of zones, as in some functions, the deployment has checked the name.
        if self.timezone != "UTC" and (known := available_timezones()) and self.timezone not in known:
            raise ExpressionError(
                f"Unknown time zone {self.timezone[:64]!r}.", "Write a name of the IANA database, like Europe/Kyiv."
            )

    @cached_property
    def fields(self) -> Cron:
        """The fields of the cron expression."""
        return parse_cron(self.cron or "")

    @cached_property
    def interval(self) -> timedelta:
        """The interval."""
        number, unit = _interval(self.every or "")
        return timedelta(minutes=number * _UNITS[unit][1])

    @property
    def expression(self) -> str:
        """The ScheduleExpression that EventBridge Scheduler gets."""
        if self.cron is not None:
            return f"cron({self.fields.text})"
        number, unit = _interval(self.every or "")
        return f"rate({number} {_UNITS[unit][0]}{'' if number == 1 else 's'})"

    @property
    def zone(self) -> tzinfo:
        return UTC if self.timezone == "UTC" else ZoneInfo(self.timezone)

    def firings(self, after: datetime, last: datetime | None = None) -> Iterator[datetime]:
        """Yield the moments after `after` at which it fires, in UTC.

        A local time that the clocks skip does not fire; one that they repeat fires once, at the first. An interval
        counts from its `last` firing; without one it is not known when it fires.

        https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html#daylist-savings-time
        """
        if self.cron is None:
            while last is not None and last < datetime.max.replace(tzinfo=UTC) - self.interval:
                last += self.interval
                if last > after:
                    yield last
            return
        for day in self.fields.dates(after.astimezone(self.zone).date()):
            for hour in self.fields.hours:
                for minute in self.fields.minutes:
                    moment = instant(datetime.combine(day, time(hour, minute)), self.zone)
                    if moment is not None and moment > after:
                        yield moment


def timetable_of(schedule: TypeSchedule) -> Timetable:
    """Return the timetable of a declared schedule."""
    return Timetable(schedule.cron, schedule.timezone, schedule.every)


def local_instant(local: datetime, timezone: str) -> datetime | None:
    """Return in UTC the moment at which the clocks of a known zone show `local` first; None if they never do."""
    return instant(local, ZoneInfo(timezone))


def instant(local: datetime, zone: tzinfo) -> datetime | None:
    """Return in UTC the moment at which the clocks of `zone` show `local` first; None if they never do."""
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    return moment if moment.astimezone(zone).replace(tzinfo=None) == local else None


def _interval(text: str) -> tuple[int, str]:
    match = _INTERVAL.fullmatch(text)
    if match is None or not 0 < int(match[1]) * _UNITS[match[2]][1] <= _MAX_INTERVAL_DAYS * 24 * 60:
        raise ExpressionError(
            f"Invalid interval {text[:64]!r}: expected minutes, hours or days, at most {_MAX_INTERVAL_DAYS} days.",
            "Write 15m, 2h or 1d.",
        )
    return int(match[1]), match[2]
