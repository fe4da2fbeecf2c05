"""`ftask dlq ls`: list failed tasks."""

from __future__ import annotations

from itertools import chain, islice
from shlex import quote
from typing import Annotated

import typer

from ftask.aws.stack import command_on
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import ErrorText, FailedSince, FailedUntil, OnlyTags, TaskType, parse_filter, words
from ftask.cli.usage import parse_choice
from ftask.core.model import EXPERIMENT_TYPE
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.render import dead_letters as pictures
from ftask.selection.error_kinds import group_failures
from ftask.selection.failed import failures, tasks_by_id

# With more failed tasks, they are grouped unless the command says otherwise.
SCREENFUL = 20


def ls(
    run: Invocation,
    task_type: TaskType = None,
    tag: OnlyTags = None,
    error: ErrorText = None,
    since: FailedSince = None,
    until: FailedUntil = None,
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of tasks; 0 for all.")] = 100,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="error|none",
            autocompletion=words(("error", "none")),
            help=f"Group by kind of error (default on a terminal: error with more than {SCREENFUL} tasks).",
        ),
    ] = None,
) -> None:
    """List failed tasks, newest first, or grouped by kind of error.

    Examples:
        ftask dlq ls --since 2h
        ftask dlq ls --group-by error
    """
    if group_by is not None:
        group_by = parse_choice("--group-by", group_by, ("error", "none"))
    task_filter = parse_filter(error, since, until, task_type, tag)
    screen = run.screen
    tasks = failures(run.stage, task_filter)
    if group_by is None and not (screen.json or screen.shows_whole_rows):
        first = list(islice(tasks, SCREENFUL + 1))
        group_by = "error" if len(first) > SCREENFUL else "none"
        tasks = chain(first, tasks)
    next_steps: list[str] = []
    if group_by == "error":
        groups = group_failures(screen.spinning(tasks, "reading"))
        examples = tasks_by_id(run.stage, [group.example for group in groups])
        ids = run.shown_ids(group.example for group in groups)
        screen.result(
            [pictures.group_json(group, examples.get(group.example)) for group in groups],
            lambda: pictures.group_table(groups, examples, now(), ids),
        )
        count, is_cut = sum(group.count for group in groups), False
        screen.note(f"{plural(count, 'failed task')}, {plural(len(groups), 'kind')} of error.")
        if groups:
            task_type = "" if groups[0].task_type == EXPERIMENT_TYPE else f"--type {quote(groups[0].task_type)} "
            tags = "".join(f"--tag {name}={value} " for name, value in task_filter.tags.items())
            selected = f"{task_type}{tags}--error {quote(groups[0].text)}"
            next_steps = _next_steps(run, ids[groups[0].example], selected)
    else:
        listed = list(islice(tasks, limit or None))
        ids = run.shown_ids(task.task_id for task in listed)
        screen.result([task.json() for task in listed], lambda: pictures.failed_table(listed, now(), ids))
        count, is_cut = len(listed), next(tasks, None) is not None
        screen.note(f"{plural(count, 'failed task')}{'; more with --limit (0 for all)' if is_cut else ''}.")
        if listed:
            newest = ids[listed[0].task_id]
            next_steps = _next_steps(run, newest, f"--task {newest}")
    if task_filter.selects_all and not is_cut:
        letters = run.stage.dead_letter_depth().total
        if letters == count:
            screen.note(f"The dead-letter queue holds one letter for each ({letters:,}).")
        else:
            compare = command_on(run.target, "doctor")
            screen.note(
                f"The dead-letter queue holds {plural(letters, 'letter')}, not one for each. See why with: {compare}"
            )
    screen.next_steps(next_steps)


def _next_steps(run: Invocation, task_id: str, selected: str) -> list[str]:
    """Return the commands that show, redrive and discard the first row; the latter two change nothing yet."""
    commands = [f"dlq show {task_id}", f"dlq redrive {selected} --dry-run", f"dlq discard {selected} --dry-run"]
    return [command_on(run.target, command) for command in commands]
