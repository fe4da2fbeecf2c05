"""`ftask dlq redrive`: give failed tasks a new start."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import ErrorText, Since, Until, selection
from ftask.core.errors import FtaskError
from ftask.core.text import plural

if TYPE_CHECKING:
    from ftask.aws.stage import Stage
    from ftask.core.failed_index import FailedTask
    from ftask.dead_letters.selection import Selection


SAMPLE = 5


Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def redrive(
    run: Invocation,
    task: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only this task; may be repeated.")] = None,
    error: ErrorText = None,
    since: Since = None,
    until: Until = None,
    rate: Annotated[float, typer.Option(min=0, help="At most so many tasks a second; 0 for no limit.")] = 50,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Follow the redriven tasks to their end; exit code 3 if one fails.")
    ] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Stop waiting after this long; exit code 4.")
    ] = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count and sample, and touch nothing.")] = False,
) -> ExitCode:
    """Give failed tasks a new start: all, those named, or those that the filters choose.

    Safe to interrupt and run again, and to run twice at once: only FAILED tasks are redriven, each once.
    """
    from ftask.aws.parallel import Pace
    from ftask.core.redrive import RedriveOutcome
    from ftask.dead_letters.redrive import redrive as redrive_selected
    from ftask.render import failures as pictures
    from ftask.render.tasks import totals, totals_json

    chosen = selection(error, since, until, task)
    stage, screen = run.stage, run.screen
    _require_failed(stage, task or [])
    count, sample = _count(run, stage, chosen)
    if dry_run:
        value = {"wouldRedrive": count, "sample": [each.json() for each in sample]}
        screen.result(value, lambda: f"Would redrive {plural(count, 'failed task')}. Nothing was touched (--dry-run).")
        return ExitCode.DONE
    letters = sum(stage.counts(run.outputs.dead_letter_queue_url))
    if not count and (not letters or not chosen.everything):
        what = "There is nothing to redrive." if chosen.everything else "No failed task fits."
        screen.result(_redrive_json(Counter()), lambda: what)
        return ExitCode.DONE
    run.confirm(f"Redrive {plural(count, 'failed task')} of stage {run.target.stage_name}?", yes=yes)
    run.if_interrupted = "What was redriven goes on; the rest stays as it was. Run the command again to go on."
    outcomes: Counter[RedriveOutcome] = Counter()
    redriven: list[str] = []
    total = max(count, letters)
    for batch in screen.counting(redrive_selected(stage, chosen, Pace(rate)), total, "redriving", size=len):
        outcomes.update(outcome for _, outcome in batch)
        redriven += [letter.task_id for letter, outcome in batch if letter and outcome is RedriveOutcome.REDRIVEN]
    code = ExitCode.FAILED if outcomes[RedriveOutcome.UNSENT] else ExitCode.DONE
    if wait and redriven:
        screen.note(pictures.outcome_text(outcomes).plain)
        run.if_interrupted = "The redriven tasks go on."
        code, seen = follow(run, redriven, timeout, result_follows=True)
        screen.result(
            _redrive_json(outcomes) | {"ended": totals_json(seen.values())},
            lambda: totals(seen.values()),
        )
        return code
    screen.result(_redrive_json(outcomes), lambda: pictures.outcome_text(outcomes))
    if outcomes[RedriveOutcome.UNSENT]:
        raise FtaskError(
            f"SQS did not take the messages of {outcomes[RedriveOutcome.UNSENT]:,} tasks.", "Run the command again."
        )
    return code


def _require_failed(stage: Stage, task_ids: list[str]) -> None:
    from ftask.aws.api import UnknownTaskError
    from ftask.core.model import Status

    for task_id in task_ids:
        task = stage.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        if task.status is not Status.FAILED:
            raise FtaskError(f"Task {task_id} is {task.status}; only FAILED tasks are redriven.")


def _count(run: Invocation, stage: Stage, chosen: Selection) -> tuple[int, list[FailedTask]]:
    """How many failed tasks are meant, and the newest of them."""
    from ftask.dead_letters.selection import failures

    count = 0
    sample: list[FailedTask] = []
    for failed in run.screen.spinning(failures(stage, chosen), "counting"):
        count += 1
        if len(sample) < SAMPLE:
            sample.append(failed)
    return count, sample


def _redrive_json(outcomes: Counter[Any]) -> dict[str, int]:
    from ftask.core.redrive import RedriveOutcome

    return {str(outcome): outcomes[outcome] for outcome in RedriveOutcome}
