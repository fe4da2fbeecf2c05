"""What the cockpit reads and does on the stage: the functions of `get`, `dlq ls`, `dlq redrive` and `cancel`.

Each may take seconds, so none is called by the thread that draws.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ftask.actions.cancel import CancelResult, cancel_task
from ftask.actions.redrive import RedriveTally, redrive
from ftask.aws.concurrency import RateLimiter
from ftask.aws.stage import Stage
from ftask.client.errors import UnknownTaskError
from ftask.core.codec import TASK_ID, task_to_json
from ftask.core.errors import FtaskError
from ftask.core.model import Task
from ftask.home.cache import recent_ids, remember_ids
from ftask.ops.logs import last_traceback
from ftask.ops.task_ids import find_in_table, find_shown
from ftask.ops.top import StageSnapshot
from ftask.selection.error_kinds import FailureGroup
from ftask.selection.failed import FailedTasks, failures, newest_failed, require_failed, tasks_by_id
from ftask.selection.filter import TaskFilter


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task with its JSON form, and the traceback of its last failed attempt; `note` says why that is missing."""

    task: Task
    value: dict[str, Any]
    traceback: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Operations:
    """The calls of one cockpit. Every method raises FtaskError if AWS refuses a request or cannot be reached."""

    stage: Stage
    snapshot: Callable[[], StageSnapshot]
    task_type: str | None = None

    def failed_tasks(self) -> FailedTasks:
        return newest_failed(self.stage, self.task_type)

    def task(self, task_id: str) -> OpenTask:
        """Return the current state of the task; a log that cannot be read hides only its traceback."""
        task = self.stage.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        value = task_to_json(task)
        try:
            return OpenTask(task, value, last_traceback(self.stage, value))
        except FtaskError as error:
            note = f"The traceback is in the worker's log, which cannot be read: {error.message}"
            return OpenTask(task, value, note=note)

    def find(self, digits: str, note: Callable[[str], None]) -> OpenTask:
        """Return the task whose id begins with these digits, as commands find it; `note` says if that takes long."""
        if TASK_ID.fullmatch(digits):
            return self.task(digits)
        shown = find_shown(digits, recent_ids(self.stage.target.stage_name))
        return self.task(shown or find_in_table(self.stage, digits, note))

    def example(self, group: FailureGroup) -> dict[str, Any] | None:
        """Return the newest task of the group; None if it is gone."""
        task = tasks_by_id(self.stage, [group.example]).get(group.example)
        return None if task is None else task_to_json(task)

    def count(self, task_filter: TaskFilter) -> int:
        """Return how many tasks a redrive of the selection redrives."""
        require_failed(self.stage, task_filter.task_ids, "redriven")
        return sum(1 for _ in failures(self.stage, task_filter, also_removed=True))

    def redrive(
        self, task_filter: TaskFilter, progress: Callable[[int], None], stopped: Callable[[], bool]
    ) -> RedriveTally:
        """Redrive the selection; `progress` gets the number of redriven tasks. It ends early once `stopped` is true."""
        tally = RedriveTally()
        with closing(redrive(self.stage, task_filter, RateLimiter(0))) as batches:
            for batch in batches:
                tally.add(batch)
                progress(len(tally.task_ids))
                if stopped():
                    break
        return tally

    def cancel(self, task_id: str) -> CancelResult:
        return cancel_task(self.stage, task_id)

    def remember(self, task_ids: Sequence[str]) -> None:
        """Keep the ids that are shown, so that their first digits are enough for a command."""
        remember_ids(self.stage.target.stage_name, task_ids)


def of_group(group: FailureGroup) -> TaskFilter:
    """Return what selects the tasks of a group."""
    return TaskFilter(kind=group.text, type=group.task_type)


@dataclass(frozen=True, slots=True)
class Ending:
    """How the cockpit ended: by a signal, by an error that the command reports, or because the user quit.

    `note` gives the result of a redrive that ran.
    """

    signal: signal.Signals | None = None
    error: Exception | None = None
    note: str | None = None
