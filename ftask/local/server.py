"""The engine's own process: ministack behind the guard. Its argument is the Python that runs the functions."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from typing import Any

from ministack import app
from ministack.core import lambda_runtime

from ftask.local.emulator import Ministack, with_unpredictable_secrets
from ftask.local.guard import Guard


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


def main() -> None:
    """Serve until a signal ends the process."""
    # ministack runs functions with sys.executable.
    sys.executable = sys.argv.pop()
    lambda_runtime.execution_credentials = with_unpredictable_secrets(lambda_runtime.execution_credentials)
    subprocess.Popen = _LenientPopen  # type: ignore[misc]
    zipfile.ZipFile = _ZipFileWithModes  # type: ignore[misc]
    app.app = Guard(app.app, Ministack())
    app.main()


if __name__ == "__main__":
    main()
