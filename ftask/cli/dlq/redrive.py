"""`ftask dlq redrive`: give failed tasks a new epoch."""

from __future__ import annotations

from collections import Counter
from typing import Annotated

import typer

from ftask.actions.reading import done_in
from ftask.actions.redrive import RedriveTally
from ftask.actions.redrive import redrive as redrive_selected
from ftask.aws.concurrency import RateLimiter
from ftask.cli.dlq.counting import count_selected, note_held_letters, show_dry_run
from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow, how_many, how_to_follow, job_of, show_summary
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import (
    DryRun,
    ErrorText,
    FailedSince,
    FailedUntil,
    OnlyTags,
    OnlyTasks,
    TaskType,
    Timeout,
    Yes,
    parse_filter,
    require_wait,
)
from ftask.core.errors import FtaskError
from ftask.core.letters import Verdict
from ftask.core.model import Status
from ftask.core.text import plural
from ftask.render.dead_letters import verdicts_json, verdicts_text
from ftask.selection.failed import require_failed
from ftask.selection.filter import TaskFilter


def redrive(
    run: Invocation,
    task: OnlyTasks = None,
    task_type: TaskType = None,
    tag: OnlyTags = None,
    error: ErrorText = None,
    since: FailedSince = None,
    until: FailedUntil = None,
    rate: Annotated[
        float, typer.Option(min=0, help="Maximum number of tasks per second (default: no limit).", show_default=False)
    ] = 0,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Wait until the redriven tasks end; exit code 3 if one fails.")
    ] = False,
    timeout: Timeout = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> ExitCode:
    """Run failed tasks again: all, those named, or those that the filters select.

    Safe to interrupt, to repeat, and to run twice at once: only FAILED tasks are redriven, each once. Tasks that were
    discarded or drained are redriven only by --task.

    Examples:
        ftask dlq redrive --error 'did not answer' --dry-run
        ftask dlq redrive --type greet --rate 50 --wait
    """
    require_wait(timeout, wait=wait)
    task_ids = run.task_ids(task or ())
    task_filter = parse_filter(error, since, until, task_type, tag, task_ids=task_ids)
    stage, screen = run.stage, run.screen
    require_failed(stage, task_ids, "redriven")
    count, sample = count_selected(run, task_filter, also_removed=True)
    if dry_run:
        show_dry_run(run, "redrive", count, sample)
        return ExitCode.DONE
    letters = stage.dead_letter_depth().total
    if not count and (not letters or not task_filter.selects_all):
        text = "Nothing to redrive." if task_filter.selects_all else "No failed task matches."
        screen.result(verdicts_json("redriven", Counter()), lambda: text)
        return ExitCode.DONE
    run.confirm(f"Redrive {plural(count, 'failed task')} of stage {run.stage_name}?", yes=yes)
    return _redrive(run, task_filter, rate, count, wait=wait, timeout=timeout)


def _redrive(
    run: Invocation, task_filter: TaskFilter, rate: float, total: int, *, wait: bool, timeout: float | None
) -> ExitCode:
    screen = run.screen
    tally = RedriveTally()

    def after_interruption() -> str:
        done = how_many("Redrove", len(tally.task_ids), total)
        return f"{done}\n{how_to_follow(run, tally.task_ids)}".strip()

    run.if_interrupted = lambda: f"{after_interruption()}\nRun the command again to redrive the others."
    batches = redrive_selected(run.stage, task_filter, RateLimiter(rate))
    for batch in screen.counting(batches, total, "redriving", done_in):
        tally.add(batch)
    value, text = verdicts_json("redriven", tally.counts), verdicts_text("redriven", tally.counts)
    if wait and tally.task_ids:
        screen.note(text.plain)
        run.if_interrupted = after_interruption
        followed = follow(run, job_of(tally.task_ids), timeout, result_follows=True)
        if screen.json:
            states = followed.watcher.progress.states
            ended = {str(status): states[status] for status in Status if states[status]}
            failed = list(followed.watcher.job.watched(Status.FAILED))
            screen.document(value | {"ended": ended, "failed": failed})
        else:
            show_summary(run, followed)
        return followed.code
    screen.result(value, lambda: text)
    note_held_letters(run, tally.counts)
    if unsent := tally.counts[Verdict.UNSENT]:
        raise FtaskError(
            f"SQS did not accept the messages of {plural(unsent, 'task')}; they stay FAILED.", "Run the command again."
        )
    return ExitCode.DONE
