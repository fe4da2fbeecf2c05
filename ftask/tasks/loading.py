"""The import of the module with the user's tasks."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ftask.core.raised import message_of, type_of
from ftask.tasks.context import ends_here
from ftask.tasks.declaration import Registry, registered
from ftask.tasks.errors import DeclarationError, ModuleLoadError
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
    _require_json(module)
    if not registered():
        raise DeclarationError(
            f"The module {module!r} declares no tasks. Put @task above a function: from ftask import task."
        )
    return registered()


def _require_json(module: str) -> None:
    """Refuse a module that replaces functions of `json`, which botocore and ftask use, by ones that do not work.

    Raises:
        DeclarationError: it does.
    """
    encode: Any = json.dumps
    decode: Any = json.loads
    text = '{"a":[1,null]}'
    try:
        works = encode(decode(text), separators=(",", ":"), ensure_ascii=False) == text
    except Exception:  # noqa: BLE001 - whatever stands there now
        works = False
    if not works:
        raise DeclarationError(
            f"The import of the module {module!r} replaces json.dumps or json.loads by a function that does not do the"
            " same: no call to AWS would work.",
            "Give the new function a name of your own, and leave Python's as they are.",
        )
