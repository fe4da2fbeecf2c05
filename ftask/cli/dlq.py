"""`ftask dlq`: dead letters."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ftask.cli.command import command
from ftask.cli.exit_codes import ExitCode
from ftask.cli.following import follow
from ftask.cli.invocation import Invocation, UsageError
from ftask.cli.selecting import ErrorText, Since, Until, selection
from ftask.core.errors import FtaskError
from ftask.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ftask.aws.stage import Stage
    from ftask.core.failed_index import FailedTask
    from ftask.core.model import Task
    from ftask.dead_letters.peek import PeekedLetter
    from ftask.dead_letters.selection import Selection
    from ftask.ops.logs import Event

app = typer.Typer(name="dlq", help="Dead letters: look, redrive, drain.", no_args_is_help=True)

SCREENFUL = 20
SAMPLE = 5
# Beyond so many letters, looking for one of them costs more than it tells.
MOST_LETTERS_TO_SEARCH = 1000

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(app)


@command(app)
def ls(
    run: Invocation,
    error: ErrorText = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many tasks; 0 for all.")] = 100,
    group_by: Annotated[
        str | None,
        typer.Option(metavar="error|none", help="Group by kind of error; the default with more than a screenful."),
    ] = None,
) -> None:
    """List failed tasks, newest first, or group_failures by their kind of error."""
    from itertools import islice

    from ftask.core.timestamps import now
    from ftask.dead_letters.grouping import group_failures
    from ftask.dead_letters.selection import failures
    from ftask.render import dead_letters as pictures

    if group_by not in (None, "error", "none"):
        raise UsageError(f"--group-by {group_by!r} is neither error nor none.")
    chosen = selection(error, since, until)
    stage, screen = run.stage, run.screen
    found = failures(stage, chosen)
    if group_by is None and not screen.json:
        head = list(islice(found, SCREENFUL + 1))
        group_by = "error" if len(head) > SCREENFUL else "none"
        found = _chained(head, found)
    counter = _Counting(found)
    if group_by == "error":
        groups = group_failures(screen.spinning(counter, "reading"))
        screen.result([pictures.group_json(group) for group in groups], lambda: pictures.group_table(groups, now()))
        screen.note(f"{plural(counter.count, 'failed task')}, {plural(len(groups), 'kind')} of error.")
    else:
        tasks = list(islice(counter, limit or None))
        screen.result([task.json() for task in tasks], lambda: pictures.failed_table(tasks, now()))
        more = next(iter(counter), None) is not None
        rest = f"; there are more (--limit {limit}, 0 for all)" if more else ""
        screen.note(f"{plural(len(tasks), 'failed task')}{rest}.")
        counter.exhausted = not more
    if chosen.selects_all and counter.exhausted:
        _compare_with_queue(run, counter.count)


@command(app)
def show(run: Invocation, task_id: Annotated[str, typer.Argument(metavar="ID", help="The task's id.")]) -> None:
    """Show everything about one failed task: payload, attempts, dead letter, what its attempts logged."""
    from ftask.aws.api import UnknownTaskError
    from ftask.core.codec import task_to_json
    from ftask.ops.logs import EventFilter, LogReader, log_groups
    from ftask.render import dead_letters as pictures
    from ftask.render.logs import event_json, event_text

    stage = run.stage
    task = stage.task(task_id)
    if task is None:
        raise UnknownTaskError(task_id)
    letter = _letter_of(run, stage, task)
    events: list[Event] = LogReader(
        run.target, log_groups(run.outputs, ("worker",)), EventFilter(task_id=task_id), task.created_at
    ).look()
    public = task_to_json(task)
    found = letter.json() if letter else None
    value = {"task": public, "deadLetter": found, "log": [event_json(event) for event in events]}
    run.screen.result(value, lambda: pictures.shown(public, found, [event_text(event) for event in events]))


@command(app)
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
    from ftask.aws.rate_limiter import RateLimiter
    from ftask.core.redrive import RedriveOutcome
    from ftask.dead_letters.redrive import redrive as redrive_selected
    from ftask.render import dead_letters as pictures
    from ftask.render.tasks import totals, totals_json

    chosen = selection(error, since, until, task)
    stage, screen = run.stage, run.screen
    _require_failed(stage, task or [])
    count, sample = _count(run, stage, chosen)
    if dry_run:
        value = {"wouldRedrive": count, "sample": [each.json() for each in sample]}
        screen.result(value, lambda: f"Would redrive {plural(count, 'failed task')}. Nothing was touched (--dry-run).")
        return ExitCode.DONE
    letters = stage.dead_letter_depth().total
    if not count and (not letters or not chosen.selects_all):
        what = "There is nothing to redrive." if chosen.selects_all else "No failed task fits."
        screen.result(_redrive_json(Counter()), lambda: what)
        return ExitCode.DONE
    run.confirm(f"Redrive {plural(count, 'failed task')} of stage {run.target.stage_name}?", yes=yes)
    run.if_interrupted = "What was redriven goes on; the rest stays as it was. Run the command again to go on."
    outcomes: Counter[RedriveOutcome] = Counter()
    redriven: list[str] = []
    total = max(count, letters)
    for batch in screen.counting(redrive_selected(stage, chosen, RateLimiter(rate)), total, "redriving", size=len):
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


@command(app)
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
    total = stage.dead_letter_depth().total
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
    _note_hidden(run)


@command(app)
def peek(
    run: Invocation, number: Annotated[int, typer.Option("--number", "-n", min=1, help="How many messages.")] = 10
) -> None:
    """Show raw messages of the dead-letter queue, also what is not a task; they stay where they are."""
    from ftask.core.timestamps import now
    from ftask.dead_letters.peek import peek as peek_letters
    from ftask.render import dead_letters as pictures

    letters = list(peek_letters(run.stage, number))
    run.screen.result([letter.json() for letter in letters], lambda: pictures.letters_table(letters, now()))
    if not letters:
        run.screen.note("The dead-letter queue shows no message.")
        _note_hidden(run)


class _Counting:
    """Counts what passes."""

    def __init__(self, items: Iterator[FailedTask]) -> None:
        self.count = 0
        self.exhausted = False
        self._items = items

    def __iter__(self) -> Iterator[FailedTask]:
        for item in self._items:
            self.count += 1
            yield item
        self.exhausted = True


def _chained(head: list[FailedTask], tail: Iterator[FailedTask]) -> Iterator[FailedTask]:
    yield from head
    yield from tail


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


def _compare_with_queue(run: Invocation, failed: int) -> None:
    letters = run.stage.dead_letter_depth().total
    if letters == failed:
        run.screen.note(f"The dead-letter queue holds as many letters ({letters:,}).")
    elif letters < failed:
        run.screen.note(
            f"The dead-letter queue holds {letters:,} letters: the others were drained or have expired."
            " Their tasks can be redriven all the same."
        )
    else:
        run.screen.note(
            f"The dead-letter queue holds {letters:,} letters: some are stale (their task has moved on),"
            " twice there, or not a task. See them with: ftask dlq peek"
        )


def _note_hidden(run: Invocation) -> None:
    hidden = run.stage.dead_letter_depth().in_flight
    if hidden:
        run.screen.note(f"{plural(hidden, 'letter')} more held by somebody for up to a minute; then look again.")


def _letter_of(run: Invocation, stage: Stage, task: Task) -> PeekedLetter | None:
    from ftask.core.model import Message
    from ftask.dead_letters.peek import peek as peek_letters

    # Closed as soon as it is found, so that the letters are visible again.
    with closing(peek_letters(stage, MOST_LETTERS_TO_SEARCH)) as letters:
        for peeked in run.screen.spinning(letters, "looking for the dead letter"):
            if peeked.message == Message(task.task_id, task.epoch):
                return peeked
    return None


def _redrive_json(outcomes: Counter[Any]) -> dict[str, int]:
    from ftask.core.redrive import RedriveOutcome

    return {str(outcome): outcomes[outcome] for outcome in RedriveOutcome}
