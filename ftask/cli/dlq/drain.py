"""`ftask dlq drain`: dead letters into a file."""

from __future__ import annotations

from collections import Counter
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Annotated

import typer

from ftask.actions.drain import DrainFile
from ftask.actions.drain import drain as drain_into
from ftask.cli.dlq.counting import count_selected, note_held_letters, show_dry_run
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import DryRun, ErrorText, FailedSince, FailedUntil, OnlyTags, TaskType, Yes, parse_filter
from ftask.cli.usage import UsageError
from ftask.core.letters import Verdict
from ftask.core.model import RemovalKind
from ftask.core.text import plural
from ftask.render.dead_letters import verdicts_json, verdicts_text


def drain(
    run: Invocation,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FILE.jsonl", help="Append each dead letter to this file.")
    ] = None,
    no_save: Annotated[
        bool, typer.Option("--no-save", help="Delete the letters without saving them. Their tasks stay in `dlq ls`.")
    ] = False,
    task_type: TaskType = None,
    tag: OnlyTags = None,
    error: ErrorText = None,
    since: FailedSince = None,
    until: FailedUntil = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Move dead letters into a file that `ftask submit --file` reads: all, or those that the filters select.

    Each letter is on disk before it leaves the queue, so an interruption loses nothing. The tasks stay FAILED and
    leave `ftask dlq ls`; only `ftask dlq redrive --task` runs one again. Stale letters are deleted.

    Examples:
        ftask dlq drain --to letters.jsonl
        ftask dlq drain --to letters.jsonl --type greet
    """
    if (to is not None and no_save) or not (to or no_save or dry_run):
        raise UsageError("Give either --to FILE.jsonl, or --no-save to delete the letters.")
    task_filter = parse_filter(error, since, until, task_type, tag)
    stage, screen = run.stage, run.screen
    total = stage.dead_letter_depth().total
    if dry_run:
        show_dry_run(run, "drain", *count_selected(run, task_filter), of="the letters of ", letters=total)
        return
    which = "" if task_filter.selects_all else "those that the filters select of "
    letters = f"{which}about {plural(total, 'dead letter')} of stage {run.stage_name}"
    counts: Counter[Verdict] = Counter()
    with nullcontext() if to is None else closing(DrainFile(to)) as file:
        if file is None:
            run.confirm_by_name(f"Delete {letters}?", yes=yes)
        else:
            run.confirm(f"Move {letters} into {to}?", yes=yes)
        run.if_interrupted = "Every letter is in the queue, in the file, or in both. Run the command again to continue."
        removal = None if file is None else stage.removal(RemovalKind.DRAINED)
        for batch in screen.counting(drain_into(stage, file, removal, task_filter), total, "reading letters", len):
            counts.update(verdict for _, verdict in batch)
    done = "drained" if to is None else f"drained into {to}"
    value = verdicts_json("drained", counts) | {"file": None if to is None else str(to)}
    screen.result(value, lambda: verdicts_text(done, counts))
    if counts[Verdict.DONE]:
        screen.note(f"Their tasks {'stay in dlq ls' if to is None else 'stay FAILED, and leave dlq ls'}.")
    note_held_letters(run, counts)
