"""What a worker sees of a project: no file or package takes the place of a module that it was tested with.

AWS Lambda puts the archive before the standard library and before its own boto3 on `sys.path`.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.version import Version

from ftask.core.errors import FtaskError
from ftask.deploy.project import Project, include_for_file, project_files, require_included

# The first one that has the old item of a refused conditional write, and the variable AWS_ENDPOINT_URL.
OLDEST_BOTOCORE = "1.31.0"
# boto3 x.y.z needs botocore of about the same time.
_OLDEST_BOTO3 = "1.28.0"

_SUFFIXES = (".py", ".pyc", ".so")
# Not in Python 3.13, AWS Lambda's: a package may have what an older Python on this machine still has.
# https://peps.python.org/pep-0594/
_REMOVED = frozenset(
    {
        *("aifc", "asynchat", "asyncore", "audioop", "cgi", "cgitb", "chunk", "crypt", "distutils", "imghdr", "imp"),
        *("lib2to3", "mailcap", "msilib", "nis", "nntplib", "ossaudiodev", "pipes", "smtpd", "sndhdr", "spwd", "sunau"),
        *("telnetlib", "uu", "xdrlib"),
    }
)
_STANDARD_LIBRARY = sys.stdlib_module_names - _REMOVED
# botocore, and what it imports: AWS Lambda's runtime has them, and a project may only replace them by a requirement.
_RUNTIME = frozenset({"botocore", "dateutil", "jmespath", "six", "urllib3"})
# Not of the project, though it may lie in its folder.
_INSTALLED = "site-packages"
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def see_as_a_worker(project: Project, is_task_running: Callable[[], bool]) -> None:
    """Let a running task read no file of the project that the worker's archive leaves out, from now on.

    Raises:
        FtaskError: the project imports a module that the archive leaves out.
    """
    require_included(project)
    packed = set(project_files(project).values())

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


def refuse_hiding(project: Iterable[str], installed: Iterable[str]) -> None:
    """Refuse files that hide a module which the worker imports.

    `project` are the names in the archive of the project's files, `installed` those of its requirements' files.

    Raises:
        FtaskError: one of them would be imported in the place of a module of Python's or of the runtime's.
    """
    for name, file in sorted(_modules(project)):
        if name in _STANDARD_LIBRARY | _RUNTIME:
            raise FtaskError(
                f"{file} hides the module {name!r} that the worker itself imports.",
                "Rename it, or put it into a folder with an __init__.py, and correct ftask.toml and the imports.",
            )
    for name, file in sorted(_modules(installed)):
        if name in _STANDARD_LIBRARY:
            raise FtaskError(
                f"The requirements install {file}, which hides Python's own module {name!r}.",
                f"Remove the package that has it from the requirements. It is a backport: Python has {name!r} itself.",
            )


def require_current_botocore(versions: Mapping[str, str]) -> None:
    """Refuse requirements that put an older botocore in the place of the runtime's than the worker can use.

    Raises:
        FtaskError: their botocore is older than OLDEST_BOTOCORE.
    """
    version = versions.get("botocore")
    if version is not None and Version(version) < Version(OLDEST_BOTOCORE):
        boto3 = f" (with boto3 {versions['boto3']})" if "boto3" in versions else ""
        raise FtaskError(
            f"The requirements install botocore {version}{boto3}; the worker needs {OLDEST_BOTOCORE} or newer.",
            f"Require botocore>={OLDEST_BOTOCORE} or boto3>={_OLDEST_BOTO3}, or neither: AWS Lambda brings both.",
        )


def _modules(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the modules whose names have no dot, each with the file or folder that has it."""
    for name in names:
        top, slash, rest = name.partition("/")
        if not slash and top.endswith(_SUFFIXES):
            yield top.partition(".")[0], top
        # A folder without __init__.py hides nothing: Python then takes a module that comes later on its path.
        elif rest.startswith("__init__."):
            yield top, f"{top}/"
