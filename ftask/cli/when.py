"""Moments as an operator gives them: so long ago, or a date."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from ftask.cli.invocation import UsageError
from ftask.core.timestamps import now

_AGO = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_when(text: str | None, option: str) -> datetime | None:
    """`2h` is two hours ago; `2026-03-01T12:00` is that moment, in this machine's time zone unless it names one.

    Raises:
        UsageError: it is neither.
    """
    if text is None:
        return None
    ago = _AGO.fullmatch(text.strip())
    try:
        if ago:
            return now() - timedelta(**{_UNITS[ago[2]]: float(ago[1])})
        return datetime.fromisoformat(text.strip()).astimezone()
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no moment.", "Say how long ago, like 90s, 15m, 2h or 3d, or a date like 2026-03-01."
        ) from None
