"""`ftask dlq peek`: raw messages of the dead-letter queue."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli.dlq.hidden import note_hidden
from ftask.cli.invocation import Invocation


def peek(
    run: Invocation, number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many messages.")] = 10
) -> None:
    """Show raw messages of the dead-letter queue, also what is not a task; they stay where they are."""
    from ftask.core.timestamps import now
    from ftask.dead_letters.peek import peek as peek_letters
    from ftask.render import failures as pictures

    letters = list(peek_letters(run.stage, number))
    run.screen.result([letter.json() for letter in letters], lambda: pictures.letters_table(letters, now()))
    if not letters:
        run.screen.note("The dead-letter queue shows no message.")
        note_hidden(run)
