"""Cancel tasks that have not ended: those with given ids, or all that a filter selects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import merge
from ftask.aws.stage import Stage
from ftask.core.cancellation import Cancellation
from ftask.core.item import item_to_task
from ftask.core.model import Status, Task
from ftask.ops.scan import TaskFilter, scan_tasks

UNFINISHED = tuple(status for status in Status if not status.terminal)
CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class CancelResult:
    """What became of one task; without a status if the task does not exist."""

    task_id: str
    outcome: Cancellation
    status: Status | None

    @property
    def is_effective(self) -> bool:
        """Whether no further attempt begins."""
        return self.outcome in (Cancellation.CANCELLED, Cancellation.REQUESTED)

    def json(self) -> dict[str, Any]:
        status = None if self.status is None else str(self.status)
        return {"taskId": self.task_id, "outcome": str(self.outcome), "status": status}


def cancel_tasks(stage: Stage, task_ids: Sequence[str]) -> list[CancelResult]:
    """Cancel each task once; return each result, in order."""
    return [_cancel(stage, task_id) for task_id in dict.fromkeys(task_ids)]


def unfinished(stage: Stage, task_filter: TaskFilter) -> Iterator[Task]:
    """Yield the selected tasks that have not ended; this reads the whole table."""
    statuses = tuple(status for status in task_filter.statuses or UNFINISHED if not status.terminal)
    for page in scan_tasks(stage, replace(task_filter, statuses=statuses)):
        yield from map(item_to_task, page.items)


def cancel_many(stage: Stage, task_ids: Sequence[str]) -> Iterator[CancelResult]:
    """Cancel tasks over several connections; yield each result, in any order."""
    yield from merge(
        [(_cancel(stage, task_id) for task_id in task_ids[first::CONNECTIONS]) for first in range(CONNECTIONS)]
    )


def _cancel(stage: Stage, task_id: str) -> CancelResult:
    if stage.task(task_id) is None:
        return CancelResult(task_id, Cancellation.UNKNOWN, None)
    with translate_aws_errors():
        outcome, task = stage.canceller.cancel(task_id)
    return CancelResult(task_id, outcome, task.status if task else None)
