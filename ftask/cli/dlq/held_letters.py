"""Dead letters that another reader holds for the moment."""

from __future__ import annotations

from ftask.cli.invocation import Invocation
from ftask.core.text import plural


def note_held_letters(run: Invocation) -> None:
    """Note how many letters are invisible now, and when they are visible again."""
    held = run.stage.dead_letter_depth().in_flight
    if held:
        run.screen.note(f"Another reader holds {plural(held, 'more letter')} for up to a minute; look again then.")
