"""`ftask dlq peek`: raw messages of the dead-letter queue."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.actions.peek import peek as peek_letters
from ftask.cli.dlq.counting import note_held_letters
from ftask.cli.invocation import Invocation
from ftask.core.timestamps import now
from ftask.render.dead_letters import letters_table


def peek(
    run: Invocation,
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="Maximum number of messages.")] = 10,
) -> None:
    """Show raw messages of the dead-letter queue, including those that are not tasks, without removing them.

    Examples:
        ftask dlq peek --number 3
    """
    letters = list(peek_letters(run.stage, number))
    ids = run.shown_ids(letter.message.task_id for letter in letters if letter.message)
    run.screen.result([letter.json() for letter in letters], lambda: letters_table(letters, now(), ids))
    if not letters:
        run.screen.note("The dead-letter queue shows no message.")
        note_held_letters(run)
