"""`ftask dlq drain`: dead letters into a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ftask.cli.dlq.hidden import note_hidden
from ftask.cli.invocation import Invocation, UsageError
from ftask.core.text import plural

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def drain(
    run: Invocation,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE.jsonl", help="Append each dead letter to this file.")
    ] = None,
    no_save: Annotated[bool, typer.Option("--no-save", help="Throw the letters away. The tasks stay FAILED.")] = False,
    yes: Yes = False,
) -> None:
    """Empty the dead-letter queue into a file that `ftask submit --file` takes back.

    Each letter is on disk before it leaves the queue, so an interruption loses nothing.
    """
    from ftask.dead_letters.drain import DrainFile
    from ftask.dead_letters.drain import drain as drain_into

    if (to is None) is not no_save:
        raise UsageError("Give --to FILE.jsonl, or --no-save to throw the letters away.")
    stage, screen = run.stage, run.screen
    total = sum(stage.counts(run.outputs.dead_letter_queue_url))
    file = DrainFile(to, stage) if to is not None else None
    letters = f"about {plural(total, 'dead letter')} of stage {run.target.stage_name}"
    if file is None:
        run.confirm_by_name(f"Throw away {letters}?", yes=yes)
    else:
        run.confirm(f"Move {letters} into {to}?", yes=yes)
    run.if_interrupted = "Every letter is in the queue, in the file, or in both. Run the command again to go on."
    drained = 0
    try:
        for size in screen.counting(drain_into(stage, file), total, "draining", size=int):
            drained += size
    finally:
        if file is not None:
            file.close()
    where = f" into {to}" if to is not None else ""
    screen.result(
        {"drained": drained, "file": str(to) if to is not None else None},
        lambda: f"Drained {plural(drained, 'dead letter')}{where}. Their tasks stay FAILED.",
    )
    note_hidden(run)
