"""The lines of a file that a stage has accepted: an interrupted submission continues, and submits no task twice."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from ftask.aws.api import Accepted
from ftask.core.errors import FtaskError
from ftask.core.text import json_object
from ftask.ops.submit import InputTask, Outcomes

MARK = "ftaskAccepted"
VERSION = 1


def ledger_path(file: Path, stage_name: str) -> Path:
    """Return where the accepted lines of `file` are kept, one ledger for each stage."""
    return file.with_name(f"{file.name}.{stage_name}.accepted")


class Ledger:
    """The keys and task ids of the accepted lines, on disk. Edited, a line is a new task.

    The ledger gives each task its key, so a request that is repeated after a lost answer makes no second task.
    """

    def __init__(self, path: Path) -> None:
        """Read the ledger, or begin one; close it after use.

        Raises:
            FtaskError: the file cannot be read or written, or is not a ledger.
        """
        self.path = path
        self._accepted: dict[str, str] = {}
        try:
            if not path.exists():
                path.write_text(json.dumps({MARK: VERSION, "run": secrets.token_hex(8)}) + "\n")
            header, *entries = [json_object(line) for line in path.read_text().splitlines()] or [None]
        except OSError as error:
            raise FtaskError(f"Cannot use {path}: {error.strerror}.", "Make its folder writable.") from error
        if header is None or header.get(MARK) != VERSION:
            raise FtaskError(f"{path} is not a record of accepted tasks.", "Move it away, and run the command again.")
        self._run = header["run"]
        self._file = path.open("a")
        for entry in entries:
            # The last line of an interrupted run may be half a line: its task is sent again, under its key.
            if entry is not None and "key" in entry:
                self._accepted[entry["key"]] = entry.get("taskId", "")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keyed(self, tasks: Iterable[InputTask]) -> list[InputTask]:
        """Return the tasks, each with a key: its own, or one made of its content and its repetitions before it."""
        repetitions: Counter[str] = Counter()
        keyed = []
        for task in tasks:
            if task.key is None:
                text = task.payload if task.type is None else f"{task.type}\0{task.payload}"
                digest = hashlib.sha256(text.encode()).hexdigest()[:32]
                repetitions[digest] += 1
                task = replace(task, key=f"{self._run}-{digest}-{repetitions[digest]}")
            keyed.append(task)
        return keyed

    def has(self, task: InputTask) -> bool:
        """Whether the task, which has a key, was accepted earlier."""
        return task.key in self._accepted

    def note(self, outcomes: Outcomes) -> None:
        """Add the accepted ones of these tasks; when this returns, they are on disk.

        Raises:
            FtaskError: the file cannot be written.
        """
        lines = [
            json.dumps({"key": task.key, "taskId": outcome.task_id})
            for task, outcome in outcomes
            if isinstance(outcome, Accepted)
        ]
        try:
            self._file.write("".join(f"{line}\n" for line in lines))
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise FtaskError(
                f"Cannot write {self.path}: {error.strerror}.",
                "Make room, and run the command again: no task is submitted twice.",
            ) from error
