"""The filter of tasks: what `--error`, `--since`, `--until`, `--type`, `--tag` and `--status` mean in every command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ftask.core.failed_index import FailedTask
from ftask.core.model import Failure, Status, Task
from ftask.selection.error_kinds import error_kind

UNFINISHED = tuple(status for status in Status if not status.terminal)


@dataclass(frozen=True, slots=True)
class TaskFilter:
    """Which tasks are selected; without any field, all.

    `error` is a text in the last error's `type: message`, in upper or lower case, or in the text of the error's kind,
    with its placeholders; `kind` is the whole text of that kind. A selected task has all of `tags`; it may have more.
    `since` and `until` are the earliest and the latest time, both included: of the failure where failed tasks are
    selected, of the creation where any are.
    """

    error: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    type: str | None = None
    statuses: tuple[Status, ...] = ()
    task_ids: frozenset[str] = frozenset()
    kind: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def selects_all(self) -> bool:
        return self == EVERYTHING

    def matches(self, task: Task) -> bool:
        """Return whether `task` is selected; `since` and `until` are times of its creation."""
        has_status = not self.statuses or task.status in self.statuses
        return has_status and self._matches(task, task.created_at, task.last_error)

    def matches_failure(self, task: Task) -> bool:
        """Return whether `task` has failed and is selected; `since` and `until` are times of its failure."""
        return task.failed_at is not None and self.matches_failed(FailedTask.of(task))

    def matches_failed(self, task: FailedTask) -> bool:
        """Return whether this entry of the index is selected; `since` and `until` are times of its failure."""
        return self._matches(task, task.failed_at, task.error)

    def matches_error(self, error: Failure | None) -> bool:
        """Return whether `error` and `kind` select a task with this last error."""
        if self.error is None and self.kind is None:
            return True
        if error is None:
            return False
        kind = error_kind(error)
        has_text = self.error is None or contains(f"{error.type}: {error.message}\n{kind}", self.error)
        return has_text and (self.kind is None or self.kind == kind)

    def _matches(self, task: Task | FailedTask, at: datetime, error: Failure | None) -> bool:
        return (
            (not self.task_ids or task.task_id in self.task_ids)
            and (self.type is None or task.type == self.type)
            and self.tags.items() <= task.tags.items()
            and (self.since is None or at >= self.since)
            and (self.until is None or at <= self.until)
            and self.matches_error(error)
        )


def contains(error: str, text: str) -> bool:
    """Return whether `--error` with this text selects an error, in upper or lower case."""
    # A terminal may have broken the line from which the text was copied.
    return " ".join(text.casefold().split()) in error.casefold()


EVERYTHING = TaskFilter()
