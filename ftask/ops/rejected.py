"""The lines of a file that were not accepted as tasks, kept next to it with their reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftask.core.errors import FtaskError
from ftask.home.private_files import open_private
from ftask.ops.spool import Spool


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a file that is not a task, and why."""

    line: int | None
    text: str
    reason: str

    def json(self) -> dict[str, Any]:
        return {"line": self.line, "reason": self.reason, "text": self.text}


def rejected_spool() -> Spool[Rejected]:
    """Return where any number of rejected lines can be kept until the file is written."""
    return Spool(lambda rejected: [rejected.line, rejected.text, rejected.reason], lambda fields: Rejected(*fields))


def rejected_path(file: Path) -> Path:
    """Return where the rejected lines of `file` are kept."""
    return file.with_name(f"{file.name}.rejected")


def write_rejected(file: Path, rejected: Iterable[Rejected]) -> None:
    """Keep these lines, or remove those of an earlier run where no line is rejected any more.

    Raises:
        FtaskError: the file cannot be written.
    """
    path = rejected_path(file)
    lines = (json.dumps(line.json(), ensure_ascii=False) + "\n" for line in rejected)
    try:
        first = next(lines, None)
        if first is None:
            path.unlink(missing_ok=True)
            return
        with open_private(path, "w") as rejects:
            rejects.write(first)
            rejects.writelines(lines)
    except OSError as error:
        raise FtaskError(f"Cannot write {path}: {error.strerror}.", "Make its folder writable.") from error
