"""Letters that somebody holds."""

from __future__ import annotations

from ftask.cli.invocation import Invocation
from ftask.core.text import plural


def note_hidden(run: Invocation) -> None:
    _, hidden = run.stage.counts(run.outputs.dead_letter_queue_url)
    if hidden:
        run.screen.note(f"{plural(hidden, 'letter')} more held by somebody for up to a minute; then look again.")
