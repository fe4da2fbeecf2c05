"""Which failed tasks an operator selects, and how they are read: from the sparse index, or by their ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.client.errors import UnknownTaskError
from ftask.core.errors import FtaskError
from ftask.core.failed_index import FailedIndex, FailedTask
from ftask.core.model import Status, Task
from ftask.dead_letters.grouping import kind_text


@dataclass(frozen=True, slots=True)
class Selection:
    """Which failed tasks are selected; without any field, all.

    `type` is the type of the tasks. `error` is a text in the error's type or message, in upper or lower case, or in the
    text of the error's group, with its placeholders; `kind` is the whole text of that group. `since` and `until` are
    the earliest and the latest time of the failure, both included.
    """

    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    task_ids: frozenset[str] = frozenset()
    type: str | None = None
    kind: str | None = None

    @property
    def selects_all(self) -> bool:
        return self == EVERYTHING

    def matches(self, task: Task) -> bool:
        """Return whether `task` has failed and is selected."""
        if task.failed_at is None:
            return False
        return self.matches_failed(FailedTask.of(task))

    def matches_failed(self, task: FailedTask) -> bool:
        """Return whether this entry of the index is selected."""
        return (
            (not self.task_ids or task.task_id in self.task_ids)
            and (self.type is None or task.type == self.type)
            and (self.since is None or task.failed_at >= self.since)
            and (self.until is None or task.failed_at <= self.until)
            and (self.error is None or _has_error(task, self.error))
            and (self.kind is None or kind_text(task) == self.kind)
        )


def _has_error(task: FailedTask, text: str) -> bool:
    # A terminal may have broken the line from which the text was copied.
    wanted = " ".join(text.casefold().split())
    return wanted in task.text.casefold() or wanted in kind_text(task).casefold()


EVERYTHING = Selection()


def failures(stage: Stage, selection: Selection = EVERYTHING, *, also_removed: bool = False) -> Iterator[FailedTask]:
    """Yield the selected failed tasks, newest first; of those selected by id `also_removed` ones, if it is set.

    Tasks selected by id are looked up in the table; every other selection reads the index page by page, which may be a
    moment behind the table.

    Raises:
        FtaskError: AWS refused a request or cannot be reached.
    """
    with translate_aws_errors():
        if selection.task_ids:
            tasks = stage.store.get_many(sorted(selection.task_ids))
            listed = [task for task in tasks if task.status is Status.FAILED and (also_removed or task.removal is None)]
            failed = [FailedTask.of(task) for task in listed]
            candidates: Iterator[FailedTask] = iter(sorted(failed, key=lambda task: task.failed_at, reverse=True))
        else:
            index = FailedIndex(lambda: stage.target.dynamodb, stage.outputs.table)
            candidates = index.newest(selection.since, selection.until)
        yield from filter(selection.matches_failed, candidates)


def tasks_by_id(stage: Stage, task_ids: Iterable[str]) -> dict[str, Task]:
    """Return the tasks with these ids that exist, with their payloads.

    Raises:
        FtaskError: AWS refused a request or cannot be reached.
    """
    with translate_aws_errors():
        store = stage.store
        return {task.task_id: task for task in store.with_payloads(store.get_many(list(task_ids)))}


def require_failed(stage: Stage, task_ids: Iterable[str], verb: str) -> None:
    """Raise unless each of these tasks is FAILED; `verb` is what the command does with them, like `redriven`.

    Raises:
        UnknownTaskError: a task does not exist.
        FtaskError: a task is in another state.
    """
    for task_id in task_ids:
        task = stage.task(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        if task.status is not Status.FAILED:
            raise FtaskError(f"Task {task_id} is {task.status}; only FAILED tasks are {verb}.")
