"""What a client learns of a task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ftask.client.errors import TaskCancelled, TaskFailed
from ftask.core.model import Failure, Status


@dataclass(frozen=True, slots=True)
class TaskInfo:
    """A task as the API shows it.

    `result` is the task's return value as JSON, None until it has COMPLETED; `error` is that of its last failed
    attempt. `json` has everything that the API answered.
    """

    id: str
    type: str
    status: Status
    attempts: int
    epoch: int
    error: Failure | None
    result: Any
    json: Mapping[str, Any]

    @classmethod
    def of_json(cls, answer: Mapping[str, Any]) -> TaskInfo:
        """Return what the API answered of a task.

        Raises:
            KeyError, ValueError: it is not a task's public form.
        """
        error = answer.get("lastError")
        return cls(
            id=answer["taskId"],
            type=answer["type"],
            status=Status(answer["status"]),
            attempts=answer["attempts"],
            epoch=answer["epoch"],
            error=None if error is None else Failure(error["type"], error["message"]),
            result=answer.get("result"),
            json=answer,
        )

    def require_result(self) -> Any:
        """Return the result of a task that has ended.

        Raises:
            TaskFailed: the task is FAILED.
            TaskCancelled: the task is CANCELLED.
        """
        if self.status is Status.FAILED:
            raise TaskFailed(self)
        if self.status is Status.CANCELLED:
            raise TaskCancelled(self)
        return self.result
