"""The widgets that all screens of the cockpit share, and their colours, which are the terminal's own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from textual.color import Color
from textual.filter import LineFilter
from textual.theme import Theme
from textual.widget import Widget
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from ftask.cockpit.board import Heading, Key, Row, paint, select
from ftask.render import cockpit as pictures
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


class Painted(Widget):
    """A part of the screen that `paint` draws anew for its width and height each time that it is refreshed."""

    def __init__(self, paint: Callable[[int, int], Any], *, classes: str = "") -> None:
        super().__init__(classes=classes)
        self._paint = paint

    def render(self) -> Any:
        return self._paint(self.size.width, self.size.height)


class RowList(OptionList):
    """Rows of which one is selected. Rows may change while it is shown: the selection and the place stay."""

    def __init__(self) -> None:
        super().__init__(markup=False)
        self.rows: Sequence[Row] = ()
        # Until the user selects a row, it is the first one, also when the rows change.
        self._is_chosen = False

    @property
    def selected(self) -> Row | None:
        return None if self.highlighted is None else self.rows[self.highlighted]

    def show(self, rows: Sequence[Row]) -> None:
        """Replace the rows."""
        chosen = self.selected.key if self.selected and self._is_chosen else None
        selected = select(rows, self.rows, chosen)
        is_same = [row.key for row in rows] == [row.key for row in self.rows]
        self.rows = list(rows)
        if is_same:
            self.repaint()
            return
        top = self.scroll_offset.y
        self.set_options(Option("", id=row.key, disabled=isinstance(row, Heading)) for row in rows)
        keys = [row.key for row in rows]
        with self.prevent(OptionList.OptionHighlighted):
            self.highlighted = keys.index(selected) if selected else None
        self.repaint()
        self.scroll_to(y=top, animate=False, immediate=True, force=True)
        self._scroll_to_selected()

    def repaint(self) -> None:
        """Draw each row for the width that there is."""
        if self.option_count != len(self.rows):
            return  # in the middle of a change
        for index, line in enumerate(paint(self.rows, self.scrollable_content_region.width, self.highlighted)):
            if self.get_option_at_index(index).prompt != line:
                self.replace_option_prompt_at_index(index, line)

    def _scroll_to_selected(self) -> None:
        # The heading above the first row is shown with it.
        if self.highlighted is None or all(isinstance(row, Heading) for row in self.rows[: self.highlighted]):
            self.scroll_to(y=0, animate=False, immediate=True, force=True)
        else:
            self.scroll_to_highlight()

    def watch_highlighted(self, highlighted: int | None) -> None:
        super().watch_highlighted(highlighted)
        self.repaint()
        self._scroll_to_selected()

    def on_option_list_option_highlighted(self) -> None:
        self._is_chosen = True

    def on_resize(self) -> None:
        self.repaint()


class StatusLine(Static):
    """What happened last: the result of a key, or what cannot be read."""

    def __init__(self, text: Callable[[], Any]) -> None:
        super().__init__(markup=False)
        self._text = text

    def on_mount(self) -> None:
        self.show()

    def show(self) -> None:
        self.update(self._text())


class KeyLine(Painted):
    """The keys that apply."""

    def __init__(self, keys: Callable[[], Sequence[Key]]) -> None:
        super().__init__(lambda width, height: pictures.key_line(keys(), width))
