"""What a worker runs: each task of the Django project is a task type, named by its path."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from inspect import Parameter
from typing import Any

import django
from asgiref.sync import sync_to_async
from django.apps import apps
from django.db import close_old_connections
from django.utils import timezone
from django.utils.module_loading import autodiscover_modules

import ftask
from ftask.core.errors import PermanentError
from ftask.core.raised import name_type
from ftask.django.backend import FtaskBackend
from ftask.django.declaration import FtaskTask
from ftask.django.library import TaskContext, TaskResultStatus, signals
from ftask.django.results import change, new_result
from ftask.tasks.context import current

# What a payload has.
_SIGNATURE = inspect.Signature(
    [Parameter(name, Parameter.POSITIONAL_OR_KEYWORD, default=None) for name in ("args", "kwargs")]
)


def declare_tasks(*modules: str) -> None:
    """Set Django up, and declare its tasks that run on ftask: those in the modules `tasks` of the installed apps.

    Set DJANGO_SETTINGS_MODULE before. Call it in the module that ftask.toml names, which a web server does not import.

    Args:
        modules: the names of further modules with tasks.
    """
    django.setup()
    autodiscover_modules("tasks")
    names = [f"{app.name}.tasks" for app in apps.get_app_configs()]
    loaded = [sys.modules[name] for name in names if name in sys.modules]
    tasks = {
        task.module_path: task
        for module in (*loaded, *map(import_module, modules))
        for task in vars(module).values()
        if isinstance(task, FtaskTask) and isinstance(task.get_backend(), FtaskBackend)
    }
    for path, task in tasks.items():
        ftask.task(name=path, max_attempts=task.max_attempts)(_function(task))


def _function(task: FtaskTask) -> Callable[..., Any]:
    """Return the function that runs a task with the arguments in a payload."""

    def run(args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None) -> Any:
        with _attempt(task, args or (), kwargs or {}) as arguments:
            return task.func(*arguments, **(kwargs or {}))

    async def run_async(args: Sequence[Any] | None = None, kwargs: Mapping[str, Any] | None = None) -> Any:
        attempt = _attempt(task, args or (), kwargs or {})
        # In the thread in which asynchronous code uses the ORM: connections belong to it.
        arguments = await sync_to_async(attempt.__enter__)()
        try:
            returned = await task.func(*arguments, **(kwargs or {}))
        except BaseException as error:
            await sync_to_async(attempt.__exit__)(type(error), error, error.__traceback__)
            raise
        await sync_to_async(attempt.__exit__)(None, None, None)
        return returned

    function: Any = run_async if inspect.iscoroutinefunction(task.func) else run
    function.__doc__ = task.func.__doc__
    function.__wrapped__ = task.func  # where it is written
    function.__signature__ = _SIGNATURE
    return function  # type: ignore[no-any-return]


@contextmanager
def _attempt(task: FtaskTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    """Surround an attempt with what Django does around a request and a task; yield its positional arguments."""
    attempt, begun = current(), timezone.now()
    status, times = TaskResultStatus.RUNNING, {"started_at": begun, "last_attempted_at": begun}
    result = new_result(task, args, kwargs, attempt.attempt, id=attempt.task_id, status=status, **times)
    close_old_connections()
    try:
        signals.task_started.send(FtaskBackend, task_result=result)
        yield [TaskContext(task_result=result), *args] if task.takes_context else args
    except BaseException as error:
        _name(error)
        if attempt.attempt >= attempt.max_attempts or isinstance(error, PermanentError):
            _finish(result, TaskResultStatus.FAILED)
        raise
    else:
        _finish(result, TaskResultStatus.SUCCESSFUL)
    finally:
        close_old_connections()


def _finish(result: Any, status: Any) -> None:
    change(result, status=status, finished_at=timezone.now())
    signals.task_finished.send(FtaskBackend, task_result=result)


def _name(error: BaseException) -> None:
    """Let an error be recorded by the path of its class, by which Django finds it; Python's and ftask's are short."""
    home = type(error).__module__
    if home != "builtins" and not home.startswith("ftask."):
        name_type(error, f"{home}.{type(error).__qualname__}")
