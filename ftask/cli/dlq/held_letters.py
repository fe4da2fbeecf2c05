"""Dead letters that another reader holds for the moment."""

from __future__ import annotations

from ftask.cli.invocation import Invocation
from ftask.core.text import plural


def note_held_letters(run: Invocation, *, ours: int = 0) -> None:
    """Note how many letters another reader holds; `ours` are those that this command has left invisible itself."""
    held = run.stage.dead_letter_depth().in_flight - ours
    if held > 0:
        run.screen.note(
            f"Another reader (redrive, drain, peek or doctor) holds {plural(held, 'more letter')}. Look again when it"
            " has ended."
        )
