"""What the main screen shows, as values: its readings, and the rows that follow from them and from the filter."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from ftask.cockpit.rows import GroupRow, Heading, Row, TaskRow
from ftask.core.failed_index import FailedTask
from ftask.core.text import plural
from ftask.ops.top import StageSnapshot, recent_failures
from ftask.selection.error_kinds import FailureGroup, error_kind, group_failures
from ftask.selection.failed import NO_FAILED_TASKS, FailedTasks

# As many readings as the widest terminal has columns.
HISTORY = 500
# A whole id of a task, or as many digits as the commands show at least.
_ID = re.compile(r"[0-9a-f]{8,32}")
# Tasks below the groups.
RECENT_TASKS = 100


@dataclass
class Board:
    """The state of the main screen. Readings and keys change it; `rows` follows from it."""

    history: deque[StageSnapshot] = field(default_factory=lambda: deque(maxlen=HISTORY))
    failed: FailedTasks = NO_FAILED_TASKS
    filter: str = ""
    paused: bool = False

    @property
    def latest(self) -> StageSnapshot | None:
        """The newest reading; None before the first one."""
        return self.history[-1] if self.history else None

    def rows(self) -> list[Row]:
        """Return the groups of failed tasks, the largest first, then the tasks that failed last."""
        groups = group_failures(self.failed.tasks)
        if self.filter:
            # A kind of error is shown whole if one of its tasks matches.
            kinds = {(task.type, error_kind(task.error)) for task in self.failed.tasks if self._has_match(task)}
            groups = [group for group in groups if (group.task_type, group.text) in kinds]
        attempts = self.latest.failures if self.latest else ()
        tasks = (
            failure
            for failure in recent_failures(attempts, self.failed.tasks)
            if self._matches(failure.task_id, failure.type, failure.error)
        )
        task_rows = [TaskRow(failure) for failure in islice(tasks, RECENT_TASKS)]
        if self.filter and not groups and not task_rows:
            is_id = _ID.fullmatch(self.filter.casefold())
            return [Heading("No row matches the filter." + (" Enter opens the task with this id." if is_id else ""))]
        rows: list[Row] = [Heading(self._groups_heading(groups)), *map(GroupRow, groups)]
        return [*rows, Heading("Recent failures"), *task_rows] if task_rows else rows

    @property
    def looked_for(self) -> str | None:
        """The id, or its first digits, that the filter has where no row matches it."""
        is_id = _ID.fullmatch(self.filter.casefold())
        return self.filter.casefold() if is_id and len(self.rows()) == 1 else None

    def _groups_heading(self, groups: Sequence[FailureGroup]) -> str:
        if not groups:
            return "No error matches the filter." if self.filter else "No failed task."
        count = sum(group.count for group in groups)
        which = plural(count, "failed task") if self.failed.complete else f"the newest {plural(count, 'failed task')}"
        return f"{plural(len(groups), 'kind')} of error in {which}"

    def _has_match(self, task: FailedTask) -> bool:
        return self._matches(task.task_id, task.type, task.text, error_kind(task.error))

    def _matches(self, *texts: str) -> bool:
        needle = self.filter.casefold()
        return any(needle in text.casefold() for text in texts)
