"""The options that say when a task is due."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import available_timezones

import typer

from ftask.cli.usage import InvalidOptionError, UsageError
from ftask.core.due import MAX_DELAY, DueError, check_time, parse_due
from ftask.core.timestamps import now, to_iso
from ftask.schedules.timetable import local_instant

DURATION = "a duration like 30s, 10m, 2h or 3d"
_DELAY = re.compile(r"([0-9]{1,9})([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_EXPECTED_TIME = "a time like 2027-01-01T09:00Z"

Delay = Annotated[
    str | None, typer.Option("--delay", metavar="DURATION", help="Run after this: 10m, 2h or 3d; at most 366 days.")
]
At = Annotated[
    str | None,
    typer.Option("--at", metavar="TIME", help="Run at this time: 2027-01-01T09:00Z, or a local one with --timezone."),
]
Timezone = Annotated[
    str | None, typer.Option("--timezone", metavar="ZONE", help="Time zone of --at, like Europe/Kyiv.")
]


def due_options(delay: str | None, at: str | None, timezone: str | None) -> dict[str, Any]:
    """Return the parameters of a submission that these options stand for; none without any.

    Raises:
        UsageError: one of them is not valid, or they do not fit together.
    """
    if delay is not None and at is not None:
        raise UsageError("Give either --delay or --at.")
    if timezone is not None and at is None:
        raise UsageError("--timezone is for --at, which is missing.", "Add --at 2027-01-01T09:00.")
    if delay is not None:
        return {"delay": int(parse_duration("--delay", delay, MAX_DELAY).total_seconds())}
    return {} if at is None else {"at": to_iso(parse_at(at, timezone))}


def due_time(delay: str | None, at: str | None, timezone: str | None, moment: datetime) -> datetime | None:
    """Return the time that these options name at this moment; None without any.

    Raises:
        UsageError: as for :func:`due_options`.
    """
    options = due_options(delay, at, timezone)
    due = parse_due(options.get("delay"), options.get("at"), moment)
    return None if due is None else due.time(moment)


def parse_at(text: str, timezone: str | None) -> datetime:
    """Return the time that `--at` names, in UTC.

    Raises:
        UsageError: it is not a time from now on within 366 days, or its zone is missing, unknown or given twice.
    """
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidOptionError("--at", text, f"{_EXPECTED_TIME} ({error})") from None
    if time.tzinfo is not None and timezone is not None:
        raise UsageError(f"--at {text!r} has a time zone already.", "Remove --timezone.")
    if time.tzinfo is None:
        if timezone is None:
            raise UsageError(
                f"Invalid --at {text!r}: it has no time zone.", "Add Z for UTC, an offset like +02:00, or --timezone."
            )
        if timezone != "UTC" and timezone not in available_timezones():
            raise UsageError(f"Unknown --timezone {timezone!r}.", "Give a name of the IANA database, like Europe/Kyiv.")
        local = local_instant(time, timezone)
        if local is None:
            raise UsageError(f"Invalid --at {text!r}: the clocks of {timezone} skip this time.", "Give another time.")
        time = local
    try:
        return check_time(time.astimezone(UTC), now())
    except DueError as error:
        raise UsageError(
            error.message.replace("Invalid time", "Invalid --at"), "Give a time within the next 366 days."
        ) from None
    except OverflowError:
        raise InvalidOptionError("--at", text, _EXPECTED_TIME) from None


def parse_duration(option: str, text: str, longest: timedelta, expected: str = DURATION) -> timedelta:
    """Return the duration that an option names.

    Raises:
        UsageError: it is not one, or too long.
    """
    match = _DELAY.fullmatch(text.strip())
    duration = None if match is None else timedelta(**{_UNITS[match[2]]: int(match[1])})
    if duration is None:
        raise InvalidOptionError(option, text, expected)
    if duration > longest:
        raise InvalidOptionError(option, text, f"at most {longest.days} days")
    return duration
