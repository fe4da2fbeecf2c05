"""Spans and moments of time in few characters."""

from __future__ import annotations

from datetime import datetime


def duration(seconds: float) -> str:
    """`0.4 s`, `12 s`, `3 m 20 s`, `2 h 5 m`, `3 d 4 h`."""
    if seconds < 9.95:
        return f"{max(0.0, seconds):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    for large, small, size, unit in (("m", "s", 60, 1), ("h", "m", 3600, 60)):
        if whole < size * (60 if large == "m" else 24):
            return f"{whole // size} {large} {whole % size // unit} {small}"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def clock_time(moment: datetime) -> str:
    """The local time of day, to the second."""
    return moment.astimezone().strftime("%H:%M:%S")
