"""Follow tasks until they end, for every command that waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.usage import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ftask.cli.invocation import Invocation
    from ftask.core.model import Task

Timeout = Annotated[
    float | None, typer.Option(min=0, metavar="SECONDS", help="Stop waiting after this long; exit code 4.")
]
# With more tasks, one line per change is noise next to the totals.
MAX_LINES_OF_PROGRESS = 20


def require_wait(timeout: float | None, *, wait: bool) -> None:
    """Refuse a timeout without a wait.

    Raises:
        UsageError: `--timeout` is given, and `--wait` is not.
    """
    if timeout is not None and not wait:
        raise UsageError("--timeout has no effect without --wait.", "Add --wait, or remove --timeout.")


def follow(
    run: Invocation, task_ids: Sequence[str], timeout: float | None, *, result_follows: bool
) -> tuple[ExitCode, Mapping[str, Task]]:
    """Watch the tasks until all have ended or `timeout` seconds have passed; return them as last seen.

    A terminal shows a live table, everything else one line per change. With `result_follows` these lines are progress
    on stderr; otherwise they are the result.
    """
    from ftask.core.codec import task_to_json
    from ftask.core.model import Status
    from ftask.core.timestamps import now
    from ftask.ops.watch import Watcher
    from ftask.render import tasks as pictures

    screen = run.screen
    started = now()
    watcher = Watcher(run.target, run.outputs.table, task_ids)
    seen: Mapping[str, Task] = {}
    if screen.live:
        ids = run.shown_ids(task_ids)
        with screen.drawing(pictures.live_table([], started, started, ids), transient=result_follows) as live:
            for seen in watcher.rounds(timeout):
                live.update(pictures.live_table(list(seen.values()), now(), started, ids), refresh=True)
    else:
        before: Mapping[str, Task] = {}
        for seen in watcher.rounds(timeout):
            changed = [
                task
                for task_id, task in seen.items()
                if task_id not in before or before[task_id].updated_at != task.updated_at
            ]
            if screen.json and not result_follows:
                changed = run.stage.with_payloads(changed)
            for task in changed:
                if not result_follows:
                    screen.line(task_to_json(task), pictures.change_line(task, now()))
                elif len(task_ids) <= MAX_LINES_OF_PROGRESS:
                    screen.note(pictures.change_line(task, now()))
            before = seen
    if watcher.open_ids():
        screen.warn(f"Still open after {timeout:g} s: {len(watcher.open_ids())} of {len(task_ids)} tasks.")
        return ExitCode.TIMED_OUT, seen
    if any(task.status is not Status.COMPLETED for task in seen.values()):
        return ExitCode.TASK_FAILED, seen
    return ExitCode.DONE, seen
