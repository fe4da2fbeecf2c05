"""`ftask dlq ls`: list failed tasks."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.invocation import Invocation, UsageError
from ftask.cli.selecting import ErrorText, Since, Until, selection
from ftask.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ftask.core.failed_index import FailedTask


SCREENFUL = 20


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
    """List failed tasks, newest first, or grouped by their kind of error."""

    from ftask.core.timestamps import now
    from ftask.dead_letters.grouping import grouped
    from ftask.dead_letters.selection import failures
    from ftask.render import failures as pictures

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
        groups = grouped(screen.spinning(counter, "reading"))
        screen.result([pictures.group_json(group) for group in groups], lambda: pictures.group_table(groups, now()))
        screen.note(f"{plural(counter.count, 'failed task')}, {plural(len(groups), 'kind')} of error.")
    else:
        tasks = list(islice(counter, limit or None))
        screen.result([task.json() for task in tasks], lambda: pictures.failed_table(tasks, now()))
        more = next(iter(counter), None) is not None
        rest = f"; there are more (--limit {limit}, 0 for all)" if more else ""
        screen.note(f"{plural(len(tasks), 'failed task')}{rest}.")
        counter.exhausted = not more
    if chosen.everything and counter.exhausted:
        _compare_with_queue(run, counter.count)


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


def _compare_with_queue(run: Invocation, failed: int) -> None:
    letters = sum(run.stage.counts(run.outputs.dead_letter_queue_url))
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
