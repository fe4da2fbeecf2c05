"""The firings of a declared schedule around a moment: those that come, and the last that has passed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from ftask.core.manifest import TypeSchedule, schedule_to_json
from ftask.core.timestamps import to_iso
from ftask.schedules.timetable import timetable_of
from ftask.schedules.words import in_words

FIRINGS = 5
# Where the last firing is looked for, the nearest first: those of a minute's schedule in a year are half a million.
_WINDOWS = (timedelta(hours=1), timedelta(days=2), timedelta(days=63), timedelta(days=366 * 5))


def upcoming(schedule: TypeSchedule, after: datetime, last: datetime | None = None) -> list[datetime]:
    """Return the next five firings after a moment; of an interval only where its `last` firing is known."""
    return list(islice(timetable_of(schedule).firings(after, last), FIRINGS))


def last_firing(schedule: TypeSchedule, since: datetime, until: datetime) -> datetime | None:
    """Return the last firing later than `since` and no later than `until`; None without any.

    An interval counts from `since`.
    """
    timetable = timetable_of(schedule)
    if schedule.cron is None:
        passed = (until - since) // timetable.interval
        return since + passed * timetable.interval if passed > 0 else None
    for window in _WINDOWS:
        start = max(since, until - window)
        found = None
        for moment in timetable.firings(start):
            if moment > until:
                break
            found = moment
        if found is not None or start == since:
            return found
    return None


def described(schedule: TypeSchedule, now: datetime, last: datetime | None = None) -> Mapping[str, Any]:
    """Return the JSON form of a schedule, with what it means in words and its next firings, in UTC and in its zone."""
    zone = timetable_of(schedule).zone
    return {
        **schedule_to_json(schedule),
        "words": in_words(timetable_of(schedule)),
        "nextFirings": [
            {"utc": to_iso(moment), "local": moment.astimezone(zone).isoformat(timespec="minutes")}
            for moment in upcoming(schedule, now, last)
        ],
    }
