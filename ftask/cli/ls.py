"""`ftask ls`: list tasks."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli import completion
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import ErrorText, Since, TaskType, parse_selection
from ftask.cli.usage import parse_choice
from ftask.cli.when import parse_when
from ftask.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ftask.dead_letters.selection import Selection
    from ftask.ops.scan import Page, TaskFilter


def ls(
    run: Invocation,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            autocompletion=completion.statuses,
            help="Only tasks in this state, like FAILED or PENDING.",
        ),
    ] = None,
    task_type: TaskType = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of tasks, newest first; 0 for all.")] = 50,
) -> None:
    """List tasks, newest first. FAILED uses an index; any other state reads the whole table.

    Examples:
        ftask ls --status FAILED --since 1h
        ftask ls --type greet --limit 0 -o json
    """
    from ftask.core.model import Status
    from ftask.ops.scan import TaskFilter

    selected = None if status is None else Status[parse_choice("--status", status, list(Status))]
    if selected is Status.FAILED:
        _list_failed(run, parse_selection(error, since, task_type=task_type), limit)
    else:
        _scan(
            run,
            TaskFilter(() if selected is None else (selected,), task_type, parse_when(since, "--since"), error),
            limit,
        )


def _list_failed(run: Invocation, selection: Selection, limit: int) -> None:
    from ftask.core.timestamps import now
    from ftask.dead_letters.selection import failures
    from ftask.render.dead_letters import failed_table

    tasks = list(islice(failures(run.stage, selection), limit or None))
    run.screen.result(
        [task.json() for task in tasks],
        lambda: failed_table(tasks, now(), run.shown_ids(task.task_id for task in tasks)),
    )
    run.screen.note(f"{plural(len(tasks), 'task')}.")


def _scan(run: Invocation, task_filter: TaskFilter, limit: int) -> None:
    from ftask.core.codec import task_to_json
    from ftask.core.timestamps import now
    from ftask.ops.scan import list_newest
    from ftask.render.tasks import task_table

    items_read = 0

    def follow(pages: Iterator[Page]) -> Iterator[Page]:
        nonlocal items_read
        for page in run.screen.spinning(pages, "reading the whole table: pages"):
            items_read += page.read
            yield page

    tasks = list_newest(run.stage, task_filter, limit, follow)
    if run.screen.json:
        tasks = run.stage.with_payloads(tasks)
    run.screen.result(
        [task_to_json(task) for task in tasks],
        lambda: task_table(tasks, now(), run.shown_ids(task.task_id for task in tasks)),
    )
    run.screen.note(f"{plural(len(tasks), 'task')}; {plural(items_read, 'item')} of the table read.")
