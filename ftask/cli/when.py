"""Times as an operator gives them: a duration before now, or a date."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ftask.cli.usage import InvalidOptionError
from ftask.core.timestamps import now

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_when(text: str | None, option: str) -> datetime | None:
    """Return the time that `text` names; None without a text.

    `2h` is two hours before now. `2026-03-01T12:00` is in this machine's time zone unless it names one.

    Raises:
        InvalidOptionError: it is neither a duration nor a time.
    """
    if text is None:
        return None
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration:
            return now() - timedelta(**{_UNITS[duration[2]]: float(duration[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise InvalidOptionError(option, text, "a duration like 30m or a time like 2026-11-24T09:00Z") from None
