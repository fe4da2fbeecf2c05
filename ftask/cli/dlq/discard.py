"""`ftask dlq discard`: failed tasks leave the list."""

from __future__ import annotations

from collections import Counter

from ftask.cli.dlq.counting import count_selected, show_dry_run
from ftask.cli.dlq.held_letters import note_held_letters
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import DryRun, ErrorText, OnlyTasks, Since, TaskType, Until, Yes, parse_selection
from ftask.core.drain import DrainOutcome
from ftask.core.model import RemovalKind
from ftask.core.text import plural
from ftask.dead_letters.discard import discard as discard_selected
from ftask.dead_letters.selection import require_failed
from ftask.dead_letters.tally import drained_in
from ftask.render.dead_letters import discarded_json, discarded_text


def discard(
    run: Invocation,
    task: OnlyTasks = None,
    task_type: TaskType = None,
    error: ErrorText = None,
    since: Since = None,
    until: Until = None,
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
    selection = parse_selection(error, since, until, task_ids, task_type)
    stage, screen = run.stage, run.screen
    require_failed(stage, task_ids, "discarded")
    count, sample = count_selected(run, selection)
    if dry_run:
        show_dry_run(run, "discard", count, sample)
        return
    outcomes: Counter[DrainOutcome] = Counter()
    if not count:
        text = "Nothing to discard." if selection.selects_all else "No failed task matches."
        screen.result(discarded_json(outcomes), lambda: text)
        return
    run.confirm(f"Discard {plural(count, 'failed task')} of stage {run.stage_name}?", yes=yes)
    run.if_interrupted = "Discarded tasks stay discarded; the others are unchanged. Run the command again to continue."
    batches = discard_selected(stage, selection, stage.removal(RemovalKind.DISCARDED))
    for batch in screen.counting(batches, count, "discarding", drained_in):
        outcomes.update(outcome for _, outcome in batch)
    screen.result(discarded_json(outcomes), lambda: discarded_text(outcomes))
    note_held_letters(run, ours=outcomes[DrainOutcome.SKIPPED] + outcomes[DrainOutcome.UNSETTLED])
