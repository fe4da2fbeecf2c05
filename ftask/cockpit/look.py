"""The colours of the cockpit, which are the terminal's own, and the guard before every character that it draws."""

from __future__ import annotations

from typing import Any

from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme

from ftask.render.safe import safe_segments

# Under this name, Textual 6 too leaves the colours to the terminal.
THEME = Theme(
    name="textual-ansi",
    primary="ansi_blue",
    secondary="ansi_cyan",
    warning="ansi_yellow",
    error="ansi_red",
    success="ansi_green",
    accent="ansi_blue",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=False,
    variables={"scrollbar": "ansi_blue", "scrollbar-background": "ansi_default"},
)


class SafeText(LineFilter):
    """Shows a character that a terminal obeys as a replacement character, in every widget."""

    def apply(self, segments: list[Any], background: Color) -> list[Any]:
        return list(safe_segments(segments))
