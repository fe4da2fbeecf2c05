"""`ftask dlq discard`: failed tasks leave the list."""

from __future__ import annotations

from collections import Counter

from ftask.actions.discard import discard as discard_selected
from ftask.actions.reading import done_in
from ftask.cli.dlq.counting import count_selected, note_held_letters, show_dry_run
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import (
    DryRun,
    ErrorText,
    FailedSince,
    FailedUntil,
    OnlyTags,
    OnlyTasks,
    TaskType,
    Yes,
    parse_filter,
)
from ftask.core.letters import Verdict
from ftask.core.model import RemovalKind
from ftask.core.text import plural
from ftask.render.dead_letters import verdicts_json, verdicts_text
from ftask.selection.failed import require_failed


def discard(
    run: Invocation,
    task: OnlyTasks = None,
    task_type: TaskType = None,
    tag: OnlyTags = None,
    error: ErrorText = None,
    since: FailedSince = None,
    until: FailedUntil = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> None:
    """Remove failed tasks from the list: all, those named, or those that the filters select.

    Their dead letters are deleted. The tasks stay FAILED and readable, and say who discarded them and when; only
    `ftask dlq redrive --task` runs one again. Safe to interrupt and to repeat.

    Examples:
        ftask dlq discard --error 'no such customer' --dry-run
        ftask dlq discard --task ID
    """
    task_ids = run.task_ids(task or ())
    task_filter = parse_filter(error, since, until, task_type, tag, task_ids=task_ids)
    stage, screen = run.stage, run.screen
    require_failed(stage, task_ids, "discarded")
    count, sample = count_selected(run, task_filter)
    if dry_run:
        show_dry_run(run, "discard", count, sample)
        return
    counts: Counter[Verdict] = Counter()
    if not count:
        text = "Nothing to discard." if task_filter.selects_all else "No failed task matches."
        screen.result(verdicts_json("discarded", counts), lambda: text)
        return
    run.confirm(f"Discard {plural(count, 'failed task')} of stage {run.stage_name}?", yes=yes)
    run.if_interrupted = "Discarded tasks stay discarded; the others are unchanged. Run the command again to continue."
    batches = discard_selected(stage, task_filter, stage.removal(RemovalKind.DISCARDED))
    for batch in screen.counting(batches, count, "discarding", done_in):
        counts.update(verdict for _, verdict in batch)
    screen.result(verdicts_json("discarded", counts), lambda: verdicts_text("discarded", counts))
    screen.note("Discarded tasks stay readable. Run one again with: ftask dlq redrive --task ID")
    note_held_letters(run, counts)
