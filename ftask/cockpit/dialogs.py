"""Dialogs over the other screens: a question before something that changes tasks, and the keys."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Static

from ftask.cockpit.keys import HELP
from ftask.render import cockpit as pictures


class Dialog(ModalScreen[bool]):
    """A box in the middle of the screen."""


class Question(Dialog):
    """Asks; only `y` means yes, and Enter means no, as where a command asks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)"),
        Binding("n,enter,escape,q,ctrl+c", "answer(False)"),
    ]

    def __init__(self, text: str, details: Sequence[str] = ()) -> None:
        super().__init__()
        self._text = text
        self._details = details

    def compose(self) -> ComposeResult:
        yield Static(pictures.question(self._text, self._details), markup=False)

    def action_answer(self, yes: bool) -> None:
        self.dismiss(yes)


class Help(Dialog):
    """What each key does; any key closes it."""

    def compose(self) -> ComposeResult:
        yield Static(pictures.help_page(HELP), markup=False)

    def on_key(self, event: events.Key) -> None:
        event.stop()
        self.dismiss(False)
