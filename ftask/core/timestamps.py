"""Instants: aware UTC datetimes with millisecond precision, written so that text order is time order."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present moment: the clock of everything that runs for real."""
    return truncate(datetime.now(UTC))


def truncate(instant: datetime) -> datetime:
    """Return the instant cut to whole milliseconds, so that a value read back equals the one written."""
    return instant.replace(microsecond=instant.microsecond // 1000 * 1000)


def to_iso(instant: datetime) -> str:
    """Return ISO 8601 in UTC with milliseconds, always 24 characters: conditions compare it as text."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"


def from_iso(text: str) -> datetime:
    """Return the instant that an ISO 8601 text names: the inverse of :func:`to_iso`."""
    return datetime.fromisoformat(text)
