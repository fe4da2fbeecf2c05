"""`ftask ls`: list tasks."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.invocation import Invocation, UsageError
from ftask.cli.selecting import ErrorText, Since, selection
from ftask.cli.when import parse_when
from ftask.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ftask.ops.scan import Page


def ls(
    run: Invocation,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Only tasks in this state, like FAILED or PENDING.")
    ] = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the newest; 0 for all.")] = 50,
) -> None:
    """List tasks, newest first. FAILED ones come from an index; for any other state the whole table is read."""
    from ftask.core.codec import task_to_json
    from ftask.core.model import Status
    from ftask.core.timestamps import now
    from ftask.dead_letters.selection import failures
    from ftask.ops.scan import by_state, newest
    from ftask.render import failures as pictures
    from ftask.render.tasks import task_table

    screen = run.screen
    wanted = None
    if status is not None:
        if status.upper() not in Status.__members__:
            raise UsageError(f"{status!r} is no state of a task.", f"Choose one of {', '.join(Status)}.")
        wanted = Status[status.upper()]
    if wanted is Status.FAILED:
        found = list(islice(failures(run.stage, selection(error, since, None)), limit or None))
        screen.result([each.json() for each in found], lambda: pictures.failed_table(found, now()))
        screen.note(f"{plural(len(found), 'task')}.")
        return
    read = 0

    def counted(pages: Iterator[Page]) -> Iterator[Page]:
        nonlocal read
        for page in pages:
            read += page.read
            yield page

    pages = by_state(run.stage, wanted, parse_when(since, "--since"), error)
    tasks = newest(counted(screen.spinning(pages, "reading the whole table: pages")), limit)
    screen.result([task_to_json(task) for task in tasks], lambda: task_table(tasks, now()))
    screen.note(f"{plural(len(tasks), 'task')}; {plural(read, 'item')} of the table read.")
