"""The newest failed tasks of a stage, bounded, for a view that is read again and again."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from ftask.aws.stage import Stage
from ftask.core.failed_index import FailedTask
from ftask.dead_letters.selection import Selection, failures

MAX_FAILED_TASKS = 2000


@dataclass(frozen=True, slots=True)
class FailedTasks:
    """The newest failed tasks, newest first; `complete` says whether these are all."""

    tasks: tuple[FailedTask, ...]
    complete: bool


NO_FAILED_TASKS = FailedTasks((), complete=True)


def newest_failed(stage: Stage, task_type: str | None = None) -> FailedTasks:
    """Return the newest failed tasks, of one type or of all, without those that were discarded or drained.

    Raises:
        FtaskError: AWS refused a request or cannot be reached.
    """
    tasks = tuple(islice(failures(stage, Selection(type=task_type)), MAX_FAILED_TASKS + 1))
    return FailedTasks(tasks[:MAX_FAILED_TASKS], complete=len(tasks) <= MAX_FAILED_TASKS)
