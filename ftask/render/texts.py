"""Durations, long texts, ids and numbers in few characters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise


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


def excerpt(text: str, max_characters: int) -> str:
    """Return `text`, or its first `max_characters` and where to find all of it."""
    if len(text) <= max_characters:
        return text
    return f"{text[:max_characters]}… ({len(text):,} characters; -o json shows all)"


def one_line(text: str) -> str:
    """Return `text` without line breaks: a row of a table is one line, for the program that reads it too."""
    return " ".join(filter(None, (line.strip() for line in text.splitlines())))


# By as many digits, two of 10,000 tasks are alike once in 86 tables; then more digits are shown.
MIN_DIGITS = 8


def shorten(task_ids: Iterable[str]) -> Mapping[str, str]:
    """Return the first digits of each id: at least 8, and enough that no two of them are alike."""
    ids = sorted(set(task_ids))
    digits = MIN_DIGITS
    for one, next_one in pairwise(ids):
        while one[:digits] == next_one[:digits]:
            digits += 1
    return {task_id: task_id[:digits] for task_id in ids}


BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float], width: int) -> str:
    """Return the last `width` values as bars; the highest value has a full bar."""
    return graph(values, width, 1)[0]


def graph(values: Sequence[float], width: int, height: int) -> list[str]:
    """Return the last `width` values as bars on `height` lines, the top line first; the highest value fills them.

    The bar of a zero is the lowest one, so that it differs from no value.
    """
    shown = list(values)[-width:] if width > 0 else []
    top = max(shown, default=0.0)
    steps = height * len(BARS)
    bars = [1 + min(steps - 1, int(value / top * steps)) if top > 0 else 1 for value in shown]
    return ["".join(_part(bar - line * len(BARS)) for bar in bars) for line in reversed(range(height))]


def _part(steps: int) -> str:
    return BARS[min(steps, len(BARS)) - 1] if steps > 0 else " "
