"""A series of numbers as bars, one line or several lines high."""

from __future__ import annotations

from collections.abc import Sequence

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
    """Return the character of a bar that fills this many steps of a line."""
    return BARS[min(steps, len(BARS)) - 1] if steps > 0 else " "
