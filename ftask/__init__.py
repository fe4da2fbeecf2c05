"""ftask: a fault-tolerant task queue in your own AWS account, and on your laptop.

What a module with tasks imports from here: :func:`task`, :func:`current`, :class:`PermanentError` and
:class:`RetryAfter`. They load when they are first used: this module is part of every archive, and stays bare.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:  # as typing's, whose import an archive need not pay for
    from ftask.core.errors import PermanentError, RetryAfter
    from ftask.tasks import current, task

__all__ = ["PermanentError", "RetryAfter", "__version__", "current", "task"]

__version__ = "0.1.0"

_HOMES = {
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
