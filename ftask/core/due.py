"""When a submitted task is due: after a delay, or at a time, up to a year ahead."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ftask.core.errors import InvalidInputError
from ftask.core.timestamps import to_iso, truncate

MAX_DELAY = timedelta(days=366)
_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")
_HINT = "Send delay=600 for 600 seconds, or at=2027-01-01T09:00Z; at most 366 days ahead."


class DueError(InvalidInputError):
    """A task cannot be due at this time."""


@dataclass(frozen=True, slots=True)
class Due:
    """When a task is due: `delay` after its submission, or `at` a time. One of them is set."""

    delay: timedelta | None = None
    at: datetime | None = None

    def time(self, created_at: datetime) -> datetime:
        """Return when a task that was submitted at `created_at` is due."""
        if self.delay is not None:
            return created_at + self.delay
        if self.at is None:
            raise AssertionError("a due time has a delay or a time")
        return self.at


def parse_due(delay: object, at: object, now: datetime) -> Due | None:
    """Return when a task is due that is submitted `now` with these texts or JSON values; None without any.

    Args:
        delay: seconds, from 0 to 366 days.
        at: a time in ISO 8601 with its zone, later than `now` and within 366 days.

    Raises:
        DueError: one of them is not valid, or both are given.
    """
    if delay is not None and at is not None:
        raise DueError("A task has either a delay or a time at which it is due, not both.", _HINT)
    if delay is not None:
        return Due(delay=_delay(delay))
    return None if at is None else Due(at=_at(at, now))


def _delay(value: object) -> timedelta:
    seconds = float(value) if isinstance(value, str) and _SECONDS.fullmatch(value) else value
    if not isinstance(seconds, int | float) or isinstance(seconds, bool) or not seconds >= 0:
        raise DueError(f"Invalid delay {_shown(value)}: expected seconds, 0 or more.", _HINT)
    if seconds > MAX_DELAY.total_seconds():
        raise DueError(f"Invalid delay {_shown(value)}: the limit is 366 days, 31622400 seconds.", _HINT)
    return timedelta(milliseconds=round(seconds * 1000))


def _at(value: object, now: datetime) -> datetime:
    if not isinstance(value, str):
        raise DueError(f"Invalid time {_shown(value)}: expected a text.", _HINT)
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is None:
            raise DueError(
                f"Invalid time {_shown(value)}: it has no time zone.", "Add Z for UTC, or an offset: +02:00."
            )
        return check_time(truncate(time.astimezone(UTC)), now)
    except (ValueError, OverflowError) as error:
        raise DueError(f"Invalid time {_shown(value)}: {error}.", _HINT) from None


def check_time(time: datetime, now: datetime) -> datetime:
    """Return `time` if a task can be due then.

    Raises:
        DueError: it is past, or more than 366 days ahead.
    """
    if time <= now:
        raise DueError(f"Invalid time {to_iso(time)}: it is past; now is {to_iso(now)}.", _HINT)
    if time - now > MAX_DELAY:
        raise DueError(f"Invalid time {to_iso(time)}: it is more than 366 days ahead.", _HINT)
    return time


def _shown(value: object) -> str:
    return repr(value)[:64]
