"""The user's tasks as a worker has them: deployed with it, and imported once."""

from __future__ import annotations

from functools import cache

from ftask.core.deployed import read_environment, read_secrets
from ftask.core.secrets import fetch_secrets
from ftask.tasks.declaration import Registry
from ftask.tasks.loading import load_tasks, set_environment
from ftask.tasks.output import capture_output


@cache
def load_deployed(module: str, log_level: str) -> Registry:
    """Set the deployed environment variables and secrets, import `module` and return its tasks.

    From then on, what tasks log from `log_level` on, and what they print, carries their ids.

    Raises:
        SettingsError: the environment variables or a secret cannot be read.
        DeclarationError: a declaration is wrong, or the module declares no tasks.
        ModuleLoadError: the module does not exist, or its import failed.
    """
    set_environment(read_environment())
    if arns := read_secrets():
        set_environment(fetch_secrets(arns))
    restore = capture_output(log_level)
    try:
        return load_tasks(module)
    except BaseException:
        # The next invocation tries again, and must not capture what is captured already.
        restore()
        raise


def load_in_child(module: str, log_level: str) -> Registry:
    """Import `module` in a child of a worker, whose environment variables it has; return its tasks.

    Raises:
        DeclarationError: a declaration is wrong, or the module declares no tasks.
        ModuleLoadError: its import failed, here and not in the worker.
    """
    capture_output(log_level)
    return load_tasks(module)
