"""The lines of a file that were not accepted as tasks, kept next to it with their reasons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ftask.core.errors import FtaskError
from ftask.private_files import write_private


@dataclass(frozen=True, slots=True)
class Rejected:
    """A line of a file that is not a task, and why."""

    line: int | None
    text: str
    reason: str

    def json(self) -> dict[str, Any]:
        return {"line": self.line, "reason": self.reason, "text": self.text}


def rejected_path(file: Path) -> Path:
    """Return where the rejected lines of `file` are kept."""
    return file.with_name(f"{file.name}.rejected")


def write_rejected(file: Path, rejected: Sequence[Rejected]) -> None:
    """Keep these lines, or remove those of an earlier run where no line is rejected any more.

    Raises:
        FtaskError: the file cannot be written.
    """
    path = rejected_path(file)
    try:
        if rejected:
            write_private(path, "".join(json.dumps(line.json(), ensure_ascii=False) + "\n" for line in rejected))
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise FtaskError(f"Cannot write {path}: {error.strerror}.", "Make its folder writable.") from error
