"""What the worker imports must be what it was tested with: no file or package of the project may take its place.

AWS Lambda puts the archive before the standard library and before its own boto3 on `sys.path`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping

from packaging.version import Version

from ftask.core.errors import FtaskError

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


def refuse_hiding(project: Iterable[str], installed: Iterable[str]) -> None:
    """Refuse files that hide a module which the worker imports.

    Args:
        project: the names in the archive of the project's files.
        installed: those of its requirements' files.

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

    Args:
        versions: those of the installed distributions, by name.

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
