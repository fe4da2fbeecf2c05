"""What a worker would see of a project, for `ftask run` and tests, which run in the project's own folder."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ftask.deploy.project import Project, include_for_file, project_files, require_included

# Not of the project, though it may lie in its folder.
_INSTALLED = "site-packages"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def see_as_a_worker(project: Project, is_task_running: Callable[[], bool]) -> None:
    """Let a running task read no file of the project that the worker's archive leaves out, from now on.

    Raises:
        FtaskError: the project imports a module that the archive leaves out.
    """
    require_included(project)
    packed = {file.path for file in project_files(project)}

    def look(event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not is_task_running():
            return
        opened, _, flags = arguments
        if isinstance(opened, int) or flags & _WRITING:
            return
        path = Path(os.path.abspath(os.fsdecode(opened)))  # noqa: PTH100 - a link is packed under its own name
        # Modules are looked at above; a traceback reads others.
        if path in packed or path.suffix in (".py", ".pyc") or not path.is_relative_to(project.root):
            return
        name = path.relative_to(project.root)
        if _INSTALLED in name.parts or any(part.startswith(".") for part in name.parts):
            return
        if hint := include_for_file(project.root, name.as_posix()):
            raise FileNotFoundError(errno.ENOENT, f"The worker's archive leaves this file out. {hint}", str(name))

    sys.addaudithook(look)
