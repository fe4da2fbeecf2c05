"""Which failed tasks an operator means, and how they are read: by the sparse index, or by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ftask.aws.api import UnknownTaskError
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError
from ftask.core.failed_index import NO_ERROR, FailedIndex, FailedTask
from ftask.core.model import Failure, Status, Task


@dataclass(frozen=True, slots=True)
class Selection:
    """Which failed tasks are meant; without any field, all.

    `error` is looked for in the error's type and message, whatever the case; `since` and `until` bound the moment of
    the failure; `task_ids` names tasks.
    """

    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    task_ids: frozenset[str] = frozenset()

    @property
    def everything(self) -> bool:
        return self == Selection()

    def has(self, task: Task) -> bool:
        """Whether `task`, which has failed, is meant."""
        if task.failed_at is None:
            return False
        return self._has(task.task_id, task.failed_at, task.last_error or NO_ERROR)

    def has_failed(self, task: FailedTask) -> bool:
        """Whether this entry of the index is selected."""
        return self._has(task.task_id, task.failed_at, task.error)

    def _has(self, task_id: str, failed_at: datetime, error: Failure) -> bool:
        return (
            (not self.task_ids or task_id in self.task_ids)
            and (self.since is None or failed_at >= self.since)
            and (self.until is None or failed_at <= self.until)
            and (self.error is None or self.error.casefold() in f"{error.type}: {error.message}".casefold())
        )


def failures(stage: Stage, selection: Selection = Selection()) -> Iterator[FailedTask]:
    """Yield the selected failed tasks, newest first.

    Tasks selected by id are looked up in the table; every other selection reads the index page by page, which may be a
    moment behind the table.

    Raises:
        FtaskError: AWS cannot be asked.
    """
    with translate_aws_errors():
        if selection.task_ids:
            tasks = stage.store.get_many(sorted(selection.task_ids))
            named = [FailedTask.of(task) for task in tasks if task.status is Status.FAILED]
            candidates: Iterator[FailedTask] = iter(sorted(named, key=lambda task: task.failed_at, reverse=True))
        else:
            index = FailedIndex(lambda: stage.target.dynamodb, stage.outputs.table)
            candidates = index.newest(selection.since, selection.until)
        yield from filter(selection.has_failed, candidates)


def require_failed(stage: Stage, task_ids: Iterable[str]) -> None:
    """Raise unless each of these tasks is FAILED.

    Raises:
        UnknownTaskError: a task does not exist.
        FtaskError: a task is in another state.
    """
    for task_id in task_ids:
        task = stage.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        if task.status is not Status.FAILED:
            raise FtaskError(f"Task {task_id} is {task.status}; only FAILED tasks are redriven.")
