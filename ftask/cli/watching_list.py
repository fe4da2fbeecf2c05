"""`ftask ls --watch`: a list that is read again and again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence

from ftask.aws.concurrency import rounds
from ftask.cli.invocation import Invocation
from ftask.core.codec import task_to_json
from ftask.core.model import Task
from ftask.core.timestamps import now
from ftask.render.task_list import row_text, watched_list
from ftask.render.tasks import change_line

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
