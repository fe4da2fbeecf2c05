"""`ftask cancel`: cancel tasks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Annotated

import typer

from ftask.actions.cancel import cancel_many, cancel_task
from ftask.aws.errors import translate_aws_errors
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.piped_ids import STDIN, read_ids
from ftask.cli.selecting import (
    CreatedSince,
    CreatedUntil,
    DryRun,
    ErrorText,
    OnlyTags,
    TaskIds,
    TaskType,
    Yes,
    parse_filter,
    words,
)
from ftask.cli.usage import UsageError, parse_choice
from ftask.core.cancellation import Cancellation
from ftask.core.codec import task_to_json
from ftask.core.model import Status, Task
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.render.task_list import task_table
from ftask.render.tasks import cancellation_text, cancellations_text
from ftask.selection.filter import UNFINISHED
from ftask.selection.scan import unfinished

# Tasks that a dry run shows.
SAMPLE = 5


def cancel(
    run: Invocation,
    task_ids: TaskIds = None,
    task_type: TaskType = None,
    tag: OnlyTags = None,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            autocompletion=words(UNFINISHED),
            help="Only tasks in this state: PENDING, PROCESSING or RETRYING.",
        ),
    ] = None,
    error: ErrorText = None,
    since: CreatedSince = None,
    until: CreatedUntil = None,
    yes: Yes = False,
    dry_run: DryRun = False,
) -> ExitCode:
    """Cancel tasks that have not ended: those named, those on stdin, or those that the filters select.

    A running attempt may finish; no further one begins. The filters read the whole table.

    Examples:
        ftask cancel ID
        ftask cancel --type greet --since 1h --dry-run
        ftask ls --status RETRYING --limit 0 | ftask cancel - --yes
    """
    statuses = () if status is None else (Status[parse_choice("--status", status, UNFINISHED)],)
    selected = parse_filter(error, since, until, task_type, tag, statuses=statuses)
    has_filter = not selected.selects_all
    named = task_ids or []
    if bool(named) is has_filter:
        raise UsageError(
            "Give either the ids of tasks (- reads them from stdin), or filters: --type, --tag, --status, --error,"
            " --since or --until.",
            "See which tasks a filter selects with: ftask cancel --type TYPE --dry-run",
        )
    screen = run.screen
    if has_filter:
        tasks = list(screen.spinning(unfinished(run.stage, selected), "reading the whole table: tasks"))
        if dry_run:
            return _show(run, tasks)
        outcomes = _cancel_many(run, [task.task_id for task in tasks], yes, "No unfinished task matches.")
        return ExitCode.FAILED if outcomes[Cancellation.BUSY] else ExitCode.DONE
    is_piped = STDIN in named
    ids = run.task_ids([*(task_id for task_id in named if task_id != STDIN), *(read_ids() if is_piped else ())])
    if dry_run:
        with translate_aws_errors():
            tasks = list(run.stage.store.get_many(ids, consistent=True))
        return _show(run, [task for task in tasks if not task.status.terminal])
    if is_piped:
        outcomes = _cancel_many(run, ids, yes, "No id on stdin.")
        return ExitCode.FAILED if outcomes[Cancellation.BUSY] or outcomes[Cancellation.UNKNOWN] else ExitCode.DONE
    run.confirm(f"Cancel {plural(len(ids), 'task')}?", yes=yes)
    results = [cancel_task(run.stage, task_id) for task_id in ids]
    shown = run.shown_ids(ids)
    screen.result(
        [result.json() for result in results],
        lambda: "\n".join(f"{shown[result.task_id]}  {cancellation_text(result)}" for result in results),
    )
    return ExitCode.DONE if all(result.is_effective for result in results) else ExitCode.FAILED


def _cancel_many(run: Invocation, task_ids: Sequence[str], yes: bool, if_none: str) -> Counter[Cancellation]:
    """Cancel tasks over several connections, with a progress bar; return and print how many had which outcome."""
    if task_ids:
        run.confirm(f"Cancel {plural(len(task_ids), 'task')} of stage {run.stage_name}?", yes=yes)
    run.if_interrupted = "Cancelled tasks stay cancelled; the others are unchanged. Run the command again to continue."
    results = run.screen.counting(cancel_many(run.stage, task_ids), len(task_ids), "cancelling", size=lambda _: 1)
    outcomes = Counter(result.outcome for result in results)
    run.screen.result(
        {str(outcome): outcomes[outcome] for outcome in Cancellation},
        lambda: cancellations_text(outcomes) if task_ids else if_none,
    )
    return outcomes


def _show(run: Invocation, tasks: Sequence[Task]) -> ExitCode:
    """Show what a dry run would cancel: the number of tasks, and the newest of them."""
    sample = sorted(tasks, key=lambda task: task.created_at, reverse=True)[:SAMPLE]
    if sample:
        run.screen.picture(task_table(sample, now(), run.shown_ids(task.task_id for task in sample)))
    if run.screen.json:
        sample = run.stage.with_payloads(sample)
    value = {"wouldCancel": len(tasks), "sample": [task_to_json(task) for task in sample]}
    run.screen.result(value, lambda: f"Would cancel {plural(len(tasks), 'task')}. Nothing changed (--dry-run).")
    return ExitCode.DONE
