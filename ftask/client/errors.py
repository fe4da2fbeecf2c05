"""What a call of a client raises. Each error says whose it is, and whether the call can be repeated safely."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ftask.core.errors import FtaskError
from ftask.core.text import printable

if TYPE_CHECKING:  # info.py raises from here
    from ftask.client.info import TaskInfo

# The statuses of a task that the API will never accept unchanged.
_REFUSALS = frozenset({400, 409, 413, 415, 422})
# Throttled, or a failure that passes.
_RETRYABLE = frozenset({429, 500, 502, 503, 504})
# The types of the API's problems are paths; RFC 9457 lets them be relative.
PROBLEMS = "/problems/"


class RequestError(FtaskError):
    """A request to the API failed.

    `key` is the idempotency key that it carried, `task_id` the task that it named; None where it had none.
    `safe_to_repeat` is whether the same call, with this key, does its work once even if this request arrived.
    """

    task_id: str | None = None
    key: str | None = None
    safe_to_repeat: bool = True


class CredentialsError(FtaskError):
    """The AWS credentials are missing, or cannot be refreshed; nothing was sent."""


class ApiConnectionError(RequestError):
    """No answer came: the API cannot be reached, or the connection ended first. The request may have arrived."""

    def __init__(self, message: str) -> None:
        super().__init__(message, "Check the network, the region's name and the API's URL.")


class ApiError(RequestError):
    """The API refused a request, or a task of a batch.

    `status` is the HTTP status, `problem` the name of the problem's type, like `unknown-type`, None where it has none,
    and `details` the whole problem (RFC 9457). `retry_after` is the header of that name.
    """

    def __init__(
        self,
        status: int,
        message: str,
        hint: str | None = None,
        retry_after: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint)
        self.status = status
        self.retry_after = retry_after
        self.details = details or {}
        self.problem = str(self.details.get("type", "")).partition(PROBLEMS)[2] or None

    @property
    def refuses_task(self) -> bool:
        """Whether the task itself is the reason, so that sending it again is of no use."""
        return self.status in _REFUSALS

    @property
    def is_retryable(self) -> bool:
        return self.status in _RETRYABLE

    @property
    def holder(self) -> str | None:
        """The id of the task because of which a unique one was not accepted; None for any other problem."""
        return str(self.details["taskId"]) if self.problem == "not-unique" else None


class UnknownTaskError(RequestError):
    """The stage has no task of this id."""

    def __init__(self, task_id: str) -> None:
        super().__init__(f"Task {printable(task_id, 64)} does not exist.", "Check the id and the stage (--stage).")
        self.task_id = task_id


class TaskEnded(FtaskError):  # noqa: N818 - what was waited for is no failure of the wait
    """A task ended without a result. `task` is what the API says of it."""

    def __init__(self, task: TaskInfo, message: str) -> None:
        super().__init__(message)
        self.task = task
        self.task_id = task.id
        self.attempts = task.attempts


class TaskFailed(TaskEnded):
    """The task is FAILED. `error_type` and `error_message` are those of its last attempt."""

    def __init__(self, task: TaskInfo) -> None:
        self.error_type = None if task.error is None else task.error.type
        self.error_message = None if task.error is None else task.error.message
        error = "no error on record" if task.error is None else f"{task.error.type}: {task.error.message}"
        super().__init__(task, f"Task {task.id} ({task.type}) failed at attempt {task.attempts}: {error}")


class TaskCancelled(TaskEnded):
    """The task is CANCELLED."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task, f"Task {task.id} ({task.type}) was cancelled.")


class WaitTimeout(FtaskError, TimeoutError):  # noqa: N818 - as TaskFailed
    """Tasks were still unfinished when the wait ended; they go on. `task_ids` names them."""

    def __init__(self, task_ids: list[str], seconds: float) -> None:
        shown = task_ids[0] if len(task_ids) == 1 else f"{len(task_ids):,} tasks"
        super().__init__(f"{shown} did not end within {seconds:g} s.", "Wait again, or look at: ftask watch")
        self.task_ids = task_ids
