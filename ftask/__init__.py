"""ftask: a fault-tolerant task queue in your own AWS account, and on your laptop.

What a module with tasks imports from here: :func:`task`, :func:`current`, :class:`PermanentError` and
:class:`RetryAfter`; what an application does: :class:`Client` or :class:`AsyncClient`, and what they raise. They load
when they are first used: this module is part of every archive, and stays bare.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:  # as typing's, whose import an archive need not pay for
    from ftask.client.async_client import AsyncClient, AsyncHandle
    from ftask.client.client import Client, Handle
    from ftask.client.errors import (
        ApiConnectionError,
        ApiError,
        TaskCancelled,
        TaskFailed,
        UnknownTaskError,
        WaitTimeout,
    )
    from ftask.client.info import TaskInfo
    from ftask.client.requests import NewTask
    from ftask.core.errors import FtaskError, PermanentError, RetryAfter
    from ftask.operator import Operator
    from ftask.selection.filter import TaskFilter
    from ftask.tasks import current, task

__all__ = [
    "ApiConnectionError",
    "ApiError",
    "AsyncClient",
    "AsyncHandle",
    "Client",
    "FtaskError",
    "Handle",
    "NewTask",
    "Operator",
    "PermanentError",
    "RetryAfter",
    "TaskCancelled",
    "TaskFailed",
    "TaskFilter",
    "TaskInfo",
    "UnknownTaskError",
    "WaitTimeout",
    "__version__",
    "current",
    "task",
]

__version__ = "0.1.0"

_HOMES = {
    **dict.fromkeys(("AsyncClient", "AsyncHandle"), "ftask.client.async_client"),
    **dict.fromkeys(("Client", "Handle"), "ftask.client.client"),
    **dict.fromkeys(
        (
            *("ApiConnectionError", "ApiError", "TaskCancelled", "TaskFailed", "UnknownTaskError"),
            "WaitTimeout",
        ),
        "ftask.client.errors",
    ),
    "FtaskError": "ftask.core.errors",
    "NewTask": "ftask.client.requests",
    "Operator": "ftask.operator",
    "TaskFilter": "ftask.selection.filter",
    "TaskInfo": "ftask.client.info",
    "PermanentError": "ftask.core.errors",
    "RetryAfter": "ftask.core.errors",
    "current": "ftask.tasks",
    "task": "ftask.tasks",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
