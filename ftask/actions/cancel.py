"""Cancel tasks that have not ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ftask.aws.concurrency import merge
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.cancellation import Cancellation
from ftask.core.model import Status

CONNECTIONS = 8


@dataclass(frozen=True, slots=True)
class CancelResult:
    """What a cancel did to one task; without a status if the task does not exist."""

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


def cancel_task(stage: Stage, task_id: str) -> CancelResult:
    with translate_aws_errors():
        outcome, task = stage.canceller.cancel(task_id)
    return CancelResult(task_id, outcome, task.status if task else None)


def cancel_many(stage: Stage, task_ids: Sequence[str]) -> Iterator[CancelResult]:
    """Cancel tasks over several connections; yield each result, in any order."""
    yield from merge(
        [(cancel_task(stage, task_id) for task_id in task_ids[first::CONNECTIONS]) for first in range(CONNECTIONS)]
    )
