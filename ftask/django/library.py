"""Django's module of tasks, from Django 6 on; before that the package django-tasks, which has the same names."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import django

NAME = "django.tasks" if django.VERSION >= (6,) else "django_tasks"

_base: Any = import_module(f"{NAME}.base")
_exceptions: Any = import_module(f"{NAME}.exceptions")

signals: Any = import_module(f"{NAME}.signals")
BaseTaskBackend: Any = import_module(f"{NAME}.backends.base").BaseTaskBackend
Task: Any = _base.Task
TaskContext: Any = _base.TaskContext
TaskError: Any = _base.TaskError
TaskResult: Any = _base.TaskResult
TaskResultStatus: Any = _base.TaskResultStatus
DEFAULT_TASK_PRIORITY: int = _base.DEFAULT_TASK_PRIORITY
TaskResultDoesNotExist: Any = _exceptions.TaskResultDoesNotExist
# The backport's names end with Error.
InvalidTask: Any = getattr(_exceptions, "InvalidTask", None) or _exceptions.InvalidTaskError
InvalidTaskBackend: Any = getattr(_exceptions, "InvalidTaskBackend", None) or _exceptions.InvalidTaskBackendError
