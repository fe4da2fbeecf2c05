"""A task of Django with the options of ftask, and its name as a task type."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

from ftask.core.manifest import TYPE_NAME
from ftask.django.library import DEFAULT_TASK_PRIORITY, InvalidTask, Task
from ftask.tasks.errors import DeclarationError
from ftask.tasks.options import parse_options


@dataclass(frozen=True, kw_only=True)
class FtaskTask(Task):
    """A task of Django.

    Args:
        max_attempts: how often it is attempted before it fails, 1 to 100; default: the stack's MaxAttempts.
        key: the idempotency key of what is enqueued, for `using`: one key and the same arguments are one task.
    """

    max_attempts: int | None = None
    key: str | None = None

    def using(self, *, key: str | None = None, **options: Any) -> Self:
        """Return this task with other defaults, as Django has it, or with an idempotency key."""
        task: Self = super().using(**options)
        return task if key is None else replace(task, key=key)


def check_task(task: Any) -> None:
    """Refuse what ftask cannot run.

    Raises:
        InvalidTask: the priority, the number of attempts or the name is invalid.
    """
    path = task.module_path
    if task.priority != DEFAULT_TASK_PRIORITY:
        raise InvalidTask(
            f"Backend does not support setting priority of tasks. {path} has priority={task.priority!r}, and an SQS "
            "queue has no priorities: remove it."
        )
    if not TYPE_NAME.fullmatch(path):
        raise InvalidTask(
            f"Task {path} has no name that a task type may have: use letters, digits, '_' and '.', at most 64 in all."
        )
    try:
        parse_options({"max_attempts": getattr(task, "max_attempts", None)})
    except DeclarationError as error:
        raise InvalidTask(f"Task {path}: {error}") from error
