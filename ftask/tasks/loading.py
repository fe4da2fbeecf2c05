"""The import of the module with the user's tasks."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib import import_module

from ftask.core.raised import message_of, type_of
from ftask.tasks.errors import DeclarationError, ModuleLoadError
from ftask.tasks.forks import ends_here
from ftask.tasks.registry import Registry, registered
from ftask.tasks.tracebacks import traceback_text


def set_environment(variables: Mapping[str, str]) -> None:
    """Set environment variables before the module is imported; the time zone is one that C keeps apart."""
    os.environ.update(variables)
    if hasattr(time, "tzset"):  # not on Windows
        time.tzset()


def load_tasks(module: str) -> Registry:
    """Import `module` and return the tasks that it, and what it imports, declares.

    Raises:
        DeclarationError: a declaration is wrong, or the module declares no tasks.
        ModuleLoadError: the module does not exist, or its import failed.
    """
    try:
        with ends_here():
            import_module(module)
    except DeclarationError:
        raise
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module}.".startswith(f"{error.name}."):
            raise ModuleLoadError(
                f"Cannot import the tasks: no module named {error.name!r}.",
                f"Put {error.name.replace('.', '/')}.py into ftask.toml's folder, or correct `module` under [tasks].",
            ) from None
        raise ModuleLoadError(
            f"Cannot import the tasks of {module!r}: {error}.",
            f"Add the package that has {error.name!r} to the requirements; its name may be another one.",
            traceback_text(error),
        ) from error
    except (Exception, SystemExit) as error:
        raise ModuleLoadError(
            f"Cannot import the tasks of {module!r}: {type_of(error)}: {message_of(error)}",
            traceback=traceback_text(error),
        ) from error
    if not registered():
        raise DeclarationError(
            f"The module {module!r} declares no tasks. Put @task above a function: from ftask import task."
        )
    return registered()
