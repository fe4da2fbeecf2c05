"""`ftask dlq redrive`: give failed tasks a new epoch."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.aws.rate_limiter import RateLimiter
from ftask.cli.dlq.counting import count_selected, show_dry_run
from ftask.cli.dlq.held_letters import note_held_letters
from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow, show_summary
from ftask.cli.interrupted import how_many, how_to_follow
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import (
    DryRun,
    ErrorText,
    OnlyTasks,
    Since,
    TaskType,
    Timeout,
    Until,
    Yes,
    parse_selection,
    require_wait,
)
from ftask.core.errors import FtaskError
from ftask.core.model import Status
from ftask.core.redrive import RedriveOutcome
from ftask.core.text import plural
from ftask.dead_letters.redrive import redrive as redrive_selected
from ftask.dead_letters.selection import Selection, require_failed
from ftask.dead_letters.tally import RedriveTally, redriven_in
from ftask.render.dead_letters import outcome_text


def redrive(
    run: Invocation,
    task: OnlyTasks = None,
    task_type: TaskType = None,
    error: ErrorText = None,
    since: Since = None,
    until: Until = None,
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
    selection = parse_selection(error, since, until, task_ids, task_type)
    stage, screen = run.stage, run.screen
    require_failed(stage, task_ids, "redriven")
    count, sample = count_selected(run, selection, also_removed=True)
    if dry_run:
        show_dry_run(run, "redrive", count, sample)
        return ExitCode.DONE
    letters = stage.dead_letter_depth().total
    if not count and (not letters or not selection.selects_all):
        text = "Nothing to redrive." if selection.selects_all else "No failed task matches."
        screen.result({str(outcome): 0 for outcome in RedriveOutcome}, lambda: text)
        return ExitCode.DONE
    run.confirm(f"Redrive {plural(count, 'failed task')} of stage {run.stage_name}?", yes=yes)
    return _redrive(run, selection, rate, count, wait=wait, timeout=timeout)


def _redrive(
    run: Invocation, selection: Selection, rate: float, total: int, *, wait: bool, timeout: float | None
) -> ExitCode:
    screen = run.screen
    tally = RedriveTally()

    def after_interruption() -> str:
        done = how_many("Redrove", len(tally.task_ids), total)
        return f"{done}\n{how_to_follow(run, tally.task_ids)}".strip()

    run.if_interrupted = lambda: f"{after_interruption()}\nRun the command again to redrive the others."
    batches = redrive_selected(run.stage, selection, RateLimiter(rate))
    for batch in screen.counting(batches, total, "redriving", redriven_in):
        tally.add(batch)
    if wait and tally.task_ids:
        screen.note(outcome_text(tally.outcomes).plain)
        run.if_interrupted = after_interruption
        followed = follow(run, tally.task_ids, timeout, result_follows=True)
        if screen.json:
            states = followed.watcher.progress.states
            ended = {str(status): states[status] for status in Status if states[status]}
            screen.document(tally.json() | {"ended": ended, "failed": list(followed.failed_ids())})
        else:
            show_summary(run, followed)
        return followed.code
    screen.result(tally.json(), lambda: outcome_text(tally.outcomes))
    note_held_letters(run, ours=tally.letters_left)
    if tally.unsent:
        raise FtaskError(
            f"SQS did not accept the messages of {plural(tally.unsent, 'task')}; they stay FAILED.",
            "Run the command again.",
        )
    return ExitCode.DONE
