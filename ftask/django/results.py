"""A task as the API shows it, as Django's result of a task."""

from __future__ import annotations

import builtins
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.module_loading import import_string

from ftask.client.info import TaskInfo
from ftask.core import errors as core
from ftask.core.model import Status
from ftask.core.timestamps import from_iso
from ftask.django.library import Task, TaskError, TaskResult, TaskResultDoesNotExist, TaskResultStatus
from ftask.tasks import errors as tasks

_STATUSES = {
    Status.PENDING: TaskResultStatus.READY,
    Status.RETRYING: TaskResultStatus.READY,
    Status.PROCESSING: TaskResultStatus.RUNNING,
    Status.COMPLETED: TaskResultStatus.SUCCESSFUL,
    Status.FAILED: TaskResultStatus.FAILED,
    Status.CANCELLED: TaskResultStatus.FAILED,  # Django has no status for it
}
_CANCELLED = "ftask.TaskCancelled"
# Stands for an error that has no class here, like that of a worker's own.
_UNKNOWN = "ftask.TaskFailed"


def new_result(task: Any, args: Sequence[Any], kwargs: Mapping[str, Any], attempts: int = 0, **fields: Any) -> Any:
    """Return the result of a task that has begun so many attempts; ftask does not name their workers."""
    fields = {"enqueued_at": None, "started_at": None, "last_attempted_at": None, "finished_at": None, **fields}
    return TaskResult(
        task=task,
        args=args,
        kwargs=kwargs,
        backend=task.backend,
        errors=[],
        worker_ids=[f"attempt {number}" for number in range(1, attempts + 1)],
        **fields,
    )


def payload_of(result: Any) -> dict[str, Any]:
    """Return the payload that carries the arguments of a result.

    Raises:
        TypeError, ValueError: JSON cannot carry an argument, or would change it.
    """
    payload = {"args": result.args, "kwargs": result.kwargs}
    path = result.task.module_path
    try:
        returned = json.loads(json.dumps(payload, allow_nan=False))
    except ValueError as error:
        raise ValueError(f"The arguments of {path} are not JSON: {error}.") from error
    if returned != payload:
        raise TypeError(
            f"JSON would change the arguments of {path}: {payload!r:.200}. The keys of a dict must be text."
        )
    return payload


def result_of(info: TaskInfo) -> Any:
    """Return the result of the task that the API shows.

    Raises:
        TaskResultDoesNotExist: it is not a task of this Django project.
    """
    shown = info.json
    history, payload = shown.get("history", []), shown.get("payload") or {}
    ended = shown.get("completedAt") or shown.get("failedAt") or shown.get("cancelledAt")
    result = new_result(
        _task_of(info),
        payload.get("args", []),
        payload.get("kwargs", {}),
        info.attempts,
        id=info.id,
        status=_STATUSES[info.status],
        enqueued_at=as_django(shown.get("createdAt")),
        started_at=as_django(history[0]["startedAt"] if history else None),
        last_attempted_at=as_django(history[-1]["startedAt"] if history else None),
        finished_at=as_django(ended),
    )
    result.errors.extend(_errors(info))
    change(result, _return_value=info.result)
    return result


def change(result: Any, **values: Any) -> None:
    """Set fields of a result, which is frozen."""
    for name, value in values.items():
        object.__setattr__(result, name, value)


def as_django(time: str | None) -> datetime | None:
    """Return a time in ISO 8601 as Django has it: with a zone where USE_TZ is set, and without one elsewhere."""
    aware: datetime | None = None if time is None else from_iso(time)
    return aware if aware is None or settings.USE_TZ else timezone.make_naive(aware)


def _task_of(info: TaskInfo) -> Any:
    try:
        task = import_string(info.type)
    except ImportError:
        task = None
    if not isinstance(task, Task):
        raise TaskResultDoesNotExist(f"{info.id} is of the type {info.type!r}, which is not a task of this project.")
    return task


def _errors(info: TaskInfo) -> Iterator[Any]:
    for attempt in info.json.get("history", []):
        if error := attempt.get("error"):
            yield _error(info.id, error["type"], error["message"])
    if info.status is Status.CANCELLED:
        yield _error(info.id, _CANCELLED, "The task was cancelled.")


def _error(task_id: str, name: str, message: str) -> Any:
    path = name
    if "." not in name:
        homes = (home for home in (builtins, core, tasks) if isinstance(getattr(home, name, None), type))
        path = next((f"{home.__name__}.{name}" for home in homes), _UNKNOWN)
    text = f"The worker's log has the traceback: ftask logs --task {task_id}\n\n{name}: {message}\n"
    return TaskError(exception_class_path=path, traceback=text)
