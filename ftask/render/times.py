"""Durations and times of day in few characters."""

from __future__ import annotations

from datetime import datetime


def duration(seconds: float) -> str:
    """Return a duration in at most two units: `0.4 s`, `12 s`, `3 m 20 s`, `2 h 5 m`, `3 d 4 h`."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was: `3 m 20 s ago`."""
    return f"{duration((now - moment).total_seconds())} ago"


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago a moment was, in one unit, which changes seldom: `now`, `40 s ago`, `3 m ago`, `2 h ago`."""
    seconds = (now - moment).total_seconds()
    if seconds < 10:
        return "now"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length:.0f} {unit} ago"
    return f"{seconds // 10:.0f}0 s ago"


def clock_time(moment: datetime) -> str:
    """Return the local time of day, to the second: `12:00:00`."""
    return moment.astimezone().strftime("%H:%M:%S")
