"""Follow tasks until they end, for every command that waits; and say after Ctrl-C how to follow them."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from ftask.render.progress import ended_summary, waiting_board, waiting_line, with_reason
from ftask.render.tasks import change_line, live_table
from ftask.submission.job import Job
from ftask.submission.watch import Watcher

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
        return self.watcher.job.watched_count > FEW_TASKS

    def task_documents(self, stage: Stage) -> Iterator[Any]:
        """Yield the JSON form of each task, in the order of their submission."""
        ids = self.watcher.job.watched()
        while some := list(islice(ids, TASKS_AT_ONCE)):
            yield from map(task_to_json, stage.with_payloads(self.watcher.read_again(some)))


def job_of(task_ids: Iterable[str]) -> Job:
    """Return a job that waits for these tasks."""
    job = Job()
    job.watch(task_ids)
    return job


def follow(run: Invocation, job: Job, timeout: float | None, *, result_follows: bool) -> Followed:
    """Watch the tasks of the job until all have ended or `timeout` seconds have passed.

    A terminal shows a live table of a few tasks, and a bar for many. Everything else shows a line for each change of a
    few tasks, and for many one now and then. With `result_follows` the lines are progress on stderr; otherwise those of
    a few tasks, and with JSON all changes, are the result.
    """
    screen = run.screen
    watcher = Watcher(run.target, run.outputs.table, job)
    standstill = Standstill(run)
    shows_each = job.watched_count <= FEW_TASKS or (screen.json and not result_follows)
    if screen.live if shows_each else screen.draws_progress:
        draw = _table(run, watcher) if shows_each else lambda _: waiting_board(watcher.progress)
        with screen.drawing(draw([]), transient=result_follows or not shows_each) as live:
            for changed in watcher.rounds(timeout):
                standstill.note(changed=bool(changed))
                live.update(with_reason(draw(changed), standstill.reason), refresh=True)
    else:
        write = _changes(run, result_follows=result_follows) if shows_each else _lines(run, watcher)
        for changed in watcher.rounds(timeout):
            if reason := standstill.note(changed=bool(changed)):
                screen.warn(reason)
            write(changed)
    if job.open_count:
        screen.warn(f"Still open after {timeout:g} s: {job.open_count:,} of {plural(job.watched_count, 'task')}.")
        if standstill.look() or standstill.reason:
            screen.warn(str(standstill.reason))
        return Followed(ExitCode.TIMED_OUT, watcher)
    all_completed = watcher.progress.states[Status.COMPLETED] == job.watched_count
    return Followed(ExitCode.DONE if all_completed else ExitCode.TASK_FAILED, watcher)


def show_summary(run: Invocation, followed: Followed) -> None:
    """Show as the result how many tasks ended, by state and by error, and which failed; and the next commands."""
    watcher = followed.watcher
    progress, since = watcher.progress, watcher.first_failed_at
    ids = list(islice(watcher.job.watched(Status.FAILED), SHOWN_IDS))
    shown = list(run.shown_ids(ids).values())
    run.screen.result(None, lambda: ended_summary(progress, shown))
    if shown and since is not None:
        commands = [f"dlq show {shown[0]}"]
        if progress.states[Status.FAILED] > len(shown):
            commands.append(f"ls --status FAILED --since {since:%Y-%m-%dT%H:%M:%SZ} --limit 0")
        run.screen.next_steps([command_on(run.target, command) for command in commands])


def _table(run: Invocation, watcher: Watcher) -> Callable[[Sequence[Task]], Any]:
    started = now()
    ids = run.shown_ids(watcher.job.watched())
    seen: dict[str, Task] = {}

    def draw(changed: Sequence[Task]) -> Any:
        seen.update({task.task_id: task for task in changed})
        return live_table(list(seen.values()), now(), started, ids)

    return draw


def _changes(run: Invocation, *, result_follows: bool) -> Callable[[Sequence[Task]], None]:
    def write(changed: Sequence[Task]) -> None:
        needs_payloads = run.screen.json and not result_follows
        for task in run.stage.with_payloads(changed) if needs_payloads else changed:
            line = change_line(task, now())
            if result_follows:
                run.screen.note(line)
            else:
                run.screen.line(task_to_json(task), line)

    return write


def _lines(run: Invocation, watcher: Watcher) -> Callable[[Sequence[Task]], None]:
    due = 0.0

    def write(_: Sequence[Task]) -> None:
        nonlocal due
        progress = watcher.progress
        if progress.seconds >= due and not progress.unread:
            run.screen.note(waiting_line(progress, now()))
            shortest, longest = LINE_SECONDS
            due = progress.seconds + min(longest, max(shortest, progress.seconds / 10))

    return write
