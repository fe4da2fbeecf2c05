"""What `redrive`, `discard` and `drain` say: which tasks they would change, and which letters they could not read."""

from __future__ import annotations

from collections import Counter
from typing import Any

from ftask.cli.invocation import Invocation
from ftask.core.failed_index import FailedTask
from ftask.core.letters import Verdict
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.render.dead_letters import failed_table
from ftask.selection.failed import failures
from ftask.selection.filter import TaskFilter

# Tasks that a dry run shows.
SAMPLE = 5


def count_selected(
    run: Invocation, task_filter: TaskFilter, *, also_removed: bool = False
) -> tuple[int, list[FailedTask]]:
    """Return the number of selected tasks, and the newest of them.

    Of tasks selected by id `also_removed` counts those that were discarded or drained.
    """
    count = 0
    sample: list[FailedTask] = []
    for failed in run.screen.spinning(failures(run.stage, task_filter, also_removed=also_removed), "counting"):
        count += 1
        if len(sample) < SAMPLE:
            sample.append(failed)
    return count, sample


def show_dry_run(run: Invocation, verb: str, count: int, sample: list[FailedTask], of: str = "", **more: Any) -> None:
    """Show how many tasks a command would change, and the newest of them; `more` are other fields of its JSON."""
    if sample:
        ids = run.shown_ids(failed.task_id for failed in sample)
        run.screen.picture(failed_table(sample, now(), ids))
    value = {f"would{verb.capitalize()}": count, "sample": [failed.json() for failed in sample], **more}
    newest = f" The newest {len(sample)} are shown." if count > len(sample) else ""
    text = f"Would {verb} {of}{plural(count, 'failed task')}.{newest} Nothing changed (--dry-run)."
    run.screen.result(value, lambda: text)


def note_held_letters(run: Invocation, counts: Counter[Verdict] | None = None) -> None:
    """Note how many letters another reader holds; `counts` are the letters that this command has read."""
    left = sum(count for verdict, count in (counts or {}).items() if not verdict.letter_done)
    held = run.stage.dead_letter_depth().in_flight - left
    if held > 0:
        run.screen.note(
            f"Another reader (redrive, drain, peek or doctor) holds {plural(held, 'more letter')}. Look again when it"
            " has ended."
        )
