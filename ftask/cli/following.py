"""Follow tasks until they end, for every command that waits; and say after Ctrl-C how to follow them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from shlex import quote
from typing import Any

from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.standstill import Standstill
from ftask.core.codec import task_to_json
from ftask.core.model import Status, Task
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.ops.watch import Watcher
from ftask.ops.watched_tasks import WatchedTasks
from ftask.render.progress import ended_summary, waiting_board, waiting_line, with_reason
from ftask.render.tasks import change_line, live_table

# With more tasks their ids are written to a file: a command with all of them could not be pasted.
MAX_IDS_IN_COMMAND = 5


def how_to_follow(run: Invocation, task_ids: Iterable[str], file: Path | None = None) -> str:
    """Say that these tasks go on, and how to follow them, with a command that can be pasted; nothing without tasks.

    `file` has the ids of many; without one they are written to a file of temporary files.
    """
    ids = iter(task_ids)
    first = list(islice(ids, MAX_IDS_IN_COMMAND + 1))
    if not first:
        return ""
    if len(first) <= MAX_IDS_IN_COMMAND:
        shown = " ".join(map(run.shown_ids(first).__getitem__, first))
        going = "The task goes on. Follow it" if len(first) == 1 else "The tasks go on. Follow them"
        return f"{going} with: {command_on(run.target, f'watch {shown}')}"
    path = file or _saved(chain(first, ids))
    if path is None:
        unsaved = f"The tasks go on. Their ids cannot be written to {tempfile.gettempdir()}."
        return f"{unsaved} See them with: {command_on(run.target, 'ls')}"
    watch = f"{command_on(run.target, 'watch')} < {quote(str(path))}"
    return f"The tasks go on. Their ids are in {path}. Follow them with: {watch}"


def how_many(verb: str, count: int, total: int) -> str:
    """Return how far a command came: `Accepted 300 of 1,000 tasks.`"""
    return f"{verb} {count:,} of {plural(total, 'task')}."


def _saved(task_ids: Iterable[str]) -> Path | None:
    """Write the ids to a new file that only the user can read; return None where that fails."""
    with (
        suppress(OSError),
        tempfile.NamedTemporaryFile("w", prefix="ftask-accepted-", suffix=".txt", delete=False) as file,
    ):
        file.writelines(f"{task_id}\n" for task_id in task_ids)
        return Path(file.name)
    return None


# Up to this many tasks have a row each, and without a terminal a line for each change. More have a bar, or a line now
# and then.
FEW_TASKS = 10
# Ids of failed tasks that a summary shows.
SHOWN_IDS = 10
# Tasks of a JSON result that are in memory.
TASKS_AT_ONCE = 100
# Without a terminal, the seconds between two lines about many tasks: a tenth of the wait so far, within these bounds.
LINE_SECONDS = (10.0, 60.0)


@dataclass(frozen=True)
class Followed:
    """How tasks were followed: the exit code, and what was read of them."""

    code: ExitCode
    watcher: Watcher

    @property
    def is_many(self) -> bool:
        """Whether the tasks were too many for a row each."""
        return len(self.watcher.tasks) > FEW_TASKS

    def task_documents(self, stage: Stage) -> Iterator[Any]:
        """Yield the JSON form of each task as last seen."""
        tasks = self.watcher.tasks.as_read()
        while some := list(islice(tasks, TASKS_AT_ONCE)):
            yield from map(task_to_json, stage.with_payloads(some))

    def failed_ids(self) -> Iterable[str]:
        """Yield the ids of the failed tasks."""
        return self.watcher.tasks.ids(Status.FAILED)


def follow(run: Invocation, task_ids: Iterable[str], timeout: float | None, *, result_follows: bool) -> Followed:
    """Watch the tasks until all have ended or `timeout` seconds have passed.

    A terminal shows a live table of a few tasks, and a bar for many. Everything else shows a line for each change of a
    few tasks, and for many one now and then. With `result_follows` the lines are progress on stderr; otherwise those of
    a few tasks, and with JSON all changes, are the result.
    """
    screen = run.screen
    tasks = WatchedTasks(task_ids, keeps_tasks=screen.json and result_follows)
    watcher = Watcher(run.target, run.outputs.table, tasks)
    standstill = Standstill(run)
    if len(tasks) <= FEW_TASKS or (screen.json and not result_follows):
        if screen.live:
            _draw_table(run, watcher, standstill, timeout, transient=result_follows)
        else:
            _write_changes(run, watcher, standstill, timeout, result_follows=result_follows)
    elif screen.draws_progress:
        _draw_bar(run, watcher, standstill, timeout)
    else:
        _write_lines(run, watcher, standstill, timeout)
    if tasks.open_count:
        screen.warn(f"Still open after {timeout:g} s: {tasks.open_count:,} of {plural(len(tasks), 'task')}.")
        if standstill.look() or standstill.reason:
            screen.warn(str(standstill.reason))
        return Followed(ExitCode.TIMED_OUT, watcher)
    all_completed = watcher.progress.states[Status.COMPLETED] == len(tasks)
    return Followed(ExitCode.DONE if all_completed else ExitCode.TASK_FAILED, watcher)


def show_summary(run: Invocation, followed: Followed) -> None:
    """Show as the result how many tasks ended, by state and by error, and which failed; and the next commands."""
    progress, tasks = followed.watcher.progress, followed.watcher.tasks
    ids = list(tasks.ids(Status.FAILED, limit=SHOWN_IDS))
    shown = run.shown_ids(ids)
    run.screen.result(None, lambda: ended_summary(progress, [shown[task_id] for task_id in ids]))
    run.screen.next_steps(_commands_for_failed(run, followed, list(shown.values())))


def _commands_for_failed(run: Invocation, followed: Followed, ids: list[str]) -> list[str]:
    since = followed.watcher.first_failed_at
    if not ids or since is None:
        return []
    commands = [f"dlq show {ids[0]}"]
    if followed.watcher.progress.states[Status.FAILED] > len(ids):
        commands.append(f"ls --status FAILED --since {since:%Y-%m-%dT%H:%M:%SZ} --limit 0")
    return [command_on(run.target, command) for command in commands]


def _draw_table(
    run: Invocation, watcher: Watcher, standstill: Standstill, timeout: float | None, *, transient: bool
) -> None:
    started = now()
    ids = run.shown_ids(watcher.tasks)
    seen: dict[str, Task] = {}
    with run.screen.drawing(live_table([], started, started, ids), transient=transient) as live:
        for changed in watcher.rounds(timeout):
            standstill.note(changed=bool(changed))
            seen |= {task.task_id: task for task in changed}
            table = live_table(list(seen.values()), now(), started, ids)
            live.update(with_reason(table, standstill.reason), refresh=True)


def _write_changes(
    run: Invocation, watcher: Watcher, standstill: Standstill, timeout: float | None, *, result_follows: bool
) -> None:
    for changed in watcher.rounds(timeout):
        if reason := standstill.note(changed=bool(changed)):
            run.screen.warn(reason)
        for task in _whole(run, changed, result_follows=result_follows):
            line = change_line(task, now())
            if result_follows:
                run.screen.note(line)
            else:
                run.screen.line(task_to_json(task), line)


def _whole(run: Invocation, tasks: Iterable[Task], *, result_follows: bool) -> Iterable[Task]:
    """Return the tasks with what their JSON needs, where that is the result."""
    return run.stage.with_payloads(tasks) if run.screen.json and not result_follows else tasks


def _draw_bar(run: Invocation, watcher: Watcher, standstill: Standstill, timeout: float | None) -> None:
    with run.screen.drawing(waiting_board(watcher.progress), transient=True) as live:
        for changed in watcher.rounds(timeout):
            standstill.note(changed=bool(changed))
            live.update(with_reason(waiting_board(watcher.progress), standstill.reason), refresh=True)


def _write_lines(run: Invocation, watcher: Watcher, standstill: Standstill, timeout: float | None) -> None:
    due = 0.0
    for changed in watcher.rounds(timeout):
        if reason := standstill.note(changed=bool(changed)):
            run.screen.warn(reason)
        progress = watcher.progress
        if progress.seconds >= due and not progress.unread:
            run.screen.note(waiting_line(progress, now()))
            shortest, longest = LINE_SECONDS
            due = progress.seconds + min(longest, max(shortest, progress.seconds / 10))
