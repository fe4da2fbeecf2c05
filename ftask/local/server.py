"""The engine's own process: ministack behind the guard. Its argument is the Python that runs the functions."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from typing import Any

from ministack import app
from ministack.core import lambda_runtime

from ftask.local.guard import Guard
from ftask.local.record import RootKey


class _LenientPopen(subprocess.Popen[Any]):
    """A process whose text may have any bytes: one that is not UTF-8 would end the log of its function."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        if options.get("text"):
            options = {"encoding": "utf-8", "errors": "replace"} | options
        super().__init__(*arguments, **options)


class _ZipFileWithModes(zipfile.ZipFile):
    """An archive whose programs are programs when it is unpacked, as on AWS; for their owner alone."""

    def extractall(
        self,
        path: str | os.PathLike[str] | None = None,
        members: Iterable[str | zipfile.ZipInfo] | None = None,
        pwd: bytes | None = None,
    ) -> None:
        for member in self.infolist() if members is None else members:
            target = self.extract(member, path, pwd)
            info = member if isinstance(member, zipfile.ZipInfo) else self.getinfo(member)
            if not info.is_dir() and (mode := info.external_attr >> 16 & 0o700):
                os.chmod(target, mode)  # noqa: PTH101 - a path as zipfile has it


Credentials = Callable[[dict[str, Any]], dict[str, str]]


def _with_unpredictable_secrets(credentials: Credentials) -> Credentials:
    """Return ministack's function that makes a function's credentials, with credentials that nobody can compute.

    ministack derives them from the names of the function and of its role alone. A random path in the role's ARN makes
    them random; it is not part of the role's name.
    """
    salt = secrets.token_hex(16)

    def salted(configuration: dict[str, Any]) -> dict[str, str]:
        prefix, _, role_name = configuration.get("Role", "").rpartition("/")
        return credentials(configuration | {"Role": f"{prefix}/{salt}/{role_name}"})

    return salted


def main() -> None:
    """Serve until a signal ends the process."""
    # ministack runs functions with sys.executable.
    sys.executable = sys.argv.pop()
    lambda_runtime.execution_credentials = _with_unpredictable_secrets(lambda_runtime.execution_credentials)
    subprocess.Popen = _LenientPopen  # type: ignore[misc]
    zipfile.ZipFile = _ZipFileWithModes  # type: ignore[misc]
    root_key = RootKey(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"])
    app.app = Guard(app.app, root_key)
    app.main()


if __name__ == "__main__":
    main()
