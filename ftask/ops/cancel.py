"""Cancel tasks that have not ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.cancellation import Cancellation
from ftask.core.model import Status


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
    """Cancel each task once; return what became of each, in order."""
    return [_cancel(stage, task_id) for task_id in dict.fromkeys(task_ids)]


def _cancel(stage: Stage, task_id: str) -> CancelResult:
    if stage.task(task_id) is None:
        return CancelResult(task_id, Cancellation.UNKNOWN, None)
    with translate_aws_errors():
        outcome, task = stage.canceller.cancel(task_id)
    return CancelResult(task_id, outcome, task.status if task else None)
