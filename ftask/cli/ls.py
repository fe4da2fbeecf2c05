"""`ftask ls`: list tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.aws.concurrency import rounds
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import ErrorText, ListedSince, ListedUntil, OnlyTags, TaskType, parse_filter, words
from ftask.cli.usage import UsageError, parse_choice, parse_choices
from ftask.core.codec import task_to_json
from ftask.core.model import Status, Task
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.render.dead_letters import failed_table
from ftask.render.task_list import COLUMNS, row_text, task_table, watched_list
from ftask.render.tasks import change_line
from ftask.selection.failed import failures
from ftask.selection.filter import TaskFilter
from ftask.selection.scan import Page, list_newest

if TYPE_CHECKING:
    # Reads the tasks of a list; it passes the pages of a scan through the function that it is given.
    Read = Callable[[Callable[[Iterator[Page]], Iterable[Page]]], Sequence[Task]]

DEFAULT_INTERVAL_SECONDS = 2.0


def complete_columns(incomplete: str) -> list[str]:
    """Return the columns that may follow those that are typed already."""
    typed, comma, _ = incomplete.rpartition(",")
    return [typed + comma + name for name in COLUMNS if name not in typed.split(",")]


def ls(
    run: Invocation,
    status: Annotated[
        str | None,
        typer.Option(
            metavar="STATUS",
            autocompletion=words(Status),
            help="Only tasks in this state, like FAILED or PENDING.",
        ),
    ] = None,
    task_type: TaskType = None,
    tag: OnlyTags = None,
    error: ErrorText = None,
    since: ListedSince = None,
    until: ListedUntil = None,
    limit: Annotated[int, typer.Option(min=0, help="Maximum number of tasks, newest first; 0 for all.")] = 50,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,…",
            autocompletion=complete_columns,
            help="Columns of the table, in this order: task, type, status, attempts, redrives, created, updated, ended,"
            " next, error, payload or result.",
        ),
    ] = None,
    watch: Annotated[
        bool,
        typer.Option("--watch", help="Read and draw the list again until Ctrl-C; in a pipe, print what is new."),
    ] = False,
    interval: Annotated[
        float | None,
        typer.Option(min=0.2, metavar="SECONDS", help="With --watch: time between two readings (default 2)."),
    ] = None,
) -> None:
    """List tasks, newest first. FAILED uses an index; any other state reads the whole table.

    --watch reads for at most a fifth of the time. In a pipe or with -o json it prints
    one line for each task that is new or has changed.

    Examples:
        ftask ls --status FAILED --since 1h
        ftask ls --type greet --columns task,status,payload
        ftask ls --status PENDING --limit 0 | ftask cancel - --yes
    """
    selected = None if status is None else Status[parse_choice("--status", status, list(Status))]
    statuses = () if selected is None else (selected,)
    task_filter = parse_filter(error, since, until, task_type, tag, statuses=statuses)
    names = [] if columns is None else parse_choices("--columns", columns, list(COLUMNS))
    if columns is not None and run.screen.json:
        raise UsageError("--columns has no effect on JSON.", "Select fields of -o json with jq: jq '.[].taskId'")
    if interval is not None and not watch:
        raise UsageError("--interval has no effect without --watch.", "Add --watch, or remove --interval.")
    read: Read = partial(list_newest, run.stage, task_filter, limit)
    if selected is Status.FAILED:
        failed = replace(task_filter, statuses=())
        if not (names or watch):
            _list_failed(run, failed, limit)
            return
        read = partial(_read_failed, run.stage, failed, limit)
    if watch:
        watch_list(run, partial(read, iter), names, interval or DEFAULT_INTERVAL_SECONDS)
    else:
        _list(run, read, names)


def _list_failed(run: Invocation, task_filter: TaskFilter, limit: int) -> None:
    tasks = list(islice(failures(run.stage, task_filter), limit or None))
    run.screen.result(
        [task.json() for task in tasks],
        lambda: failed_table(tasks, now(), run.shown_ids(task.task_id for task in tasks)),
    )
    run.screen.note(f"{plural(len(tasks), 'task')}.")


def _read_failed(stage: Stage, task_filter: TaskFilter, limit: int, _: object = None) -> list[Task]:
    """Return the newest failed tasks that are selected: found by their index, and read whole."""
    ids = [task.task_id for task in islice(failures(stage, task_filter), limit or None)]
    with translate_aws_errors():
        tasks = {task.task_id: task for task in stage.store.get_many(ids)}
    # One may have been redriven since the index was read.
    return [tasks[task_id] for task_id in ids if task_id in tasks and task_filter.matches_failure(tasks[task_id])]


def _list(run: Invocation, read: Read, columns: Sequence[str]) -> None:
    items_read = 0

    def follow(pages: Iterator[Page]) -> Iterator[Page]:
        nonlocal items_read
        for page in run.screen.spinning(pages, "reading the whole table: pages"):
            items_read += page.read
            yield page

    tasks = read(follow)
    if run.screen.json or "payload" in columns:
        tasks = run.stage.with_payloads(tasks)
    run.screen.result(
        [task_to_json(task) for task in tasks],
        lambda: task_table(tasks, now(), run.shown_ids(task.task_id for task in tasks), columns),
    )
    scanned = f"; {plural(items_read, 'item')} of the table read" if items_read else ""
    run.screen.note(f"{plural(len(tasks), 'task')}{scanned}.")


# How many times as long as the last reading took the next one waits: a large table is not read all the time.
_REST = 4


def watch_list(
    run: Invocation,
    read: Callable[[], Sequence[Task]],
    columns: Sequence[str],
    interval_seconds: float,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Draw the tasks that `read` returns again and again; in a pipe, print those that are new or have changed."""
    run.if_interrupted = None
    took_seconds = 0.0

    def look() -> Sequence[Task]:
        nonlocal took_seconds
        began = clock()
        tasks = read()
        took_seconds = clock() - began
        return tasks

    looks = (look() for _ in rounds(lambda: max(interval_seconds, _REST * took_seconds), sleep=sleep))
    if run.screen.live:
        _draw(run, looks, columns)
    else:
        _print(run, looks, columns)


def _draw(run: Invocation, looks: Iterable[Sequence[Task]], columns: Sequence[str]) -> None:
    screen = run.screen
    with screen.drawing("Reading the list.", transient=False) as live:
        for listed in looks:
            tasks = run.stage.with_payloads(listed) if "payload" in columns else listed
            ids = run.shown_ids(task.task_id for task in tasks)
            live.update(watched_list(tasks, now(), ids, columns, height=screen.out.size.height), refresh=True)


def _print(run: Invocation, looks: Iterable[Sequence[Task]], columns: Sequence[str]) -> None:
    before: dict[str, Task] = {}
    for tasks in looks:
        changed: Sequence[Task] = [task for task in reversed(tasks) if before.get(task.task_id) != task]
        if run.screen.json or "payload" in columns:
            changed = run.stage.with_payloads(changed)
        for task in changed:
            text = row_text(task, now(), columns) if columns else change_line(task, now())
            run.screen.line(task_to_json(task), text)
        before = {task.task_id: task for task in tasks}
