"""The lines of a file that a stage has accepted: an interrupted submission continues, and submits no task twice."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from ftask.client.answers import Accepted
from ftask.core.errors import FtaskError
from ftask.core.text import json_object
from ftask.home.private_files import open_private
from ftask.ops.key_count import KeyCount
from ftask.ops.submit import InputTask, Outcomes

MARK = "ftaskAccepted"
VERSION = 1


def ledger_path(file: Path, stage_name: str) -> Path:
    """Return where the accepted lines of `file` are kept, one ledger for each stage."""
    return file.with_name(f"{file.name}.{stage_name}.accepted")


class NotALedgerError(FtaskError):
    """The file where a ledger should be is something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not a record of accepted tasks, or is damaged.",
            "Move it away and run the command again, which submits every line of the file.",
        )


class Ledger:
    """The keys and task ids of the accepted lines, on disk. Edited, a line is a new task.

    The ledger gives each task its key, so a request that is repeated after a lost answer makes no second task. It takes
    little memory, however many lines the file has.
    """

    def __init__(self, path: Path) -> None:
        """Read the ledger, or begin one; close it after use.

        Raises:
            NotALedgerError: the file has other content, or its beginning is lost.
            FtaskError: the file cannot be read or written, or belongs to another user.
        """
        self.path = path
        self._accepted = KeyCount()
        try:
            is_new = not path.exists()
            self._file = open_private(path, "a+")
        except OSError as error:
            raise self._unusable(error) from error
        try:
            if is_new:
                self._write(json.dumps({MARK: VERSION, "run": secrets.token_hex(8)}) + "\n")
            self._run = self._read()
        except BaseException as error:
            self._file.close()
            self._accepted.close()
            if isinstance(error, OSError):
                raise self._unusable(error) from error
            raise

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._accepted.close()

    def keyed(self, tasks: Iterable[InputTask]) -> Iterator[InputTask]:
        """Yield the tasks, each with a key: its own, or one made of its content and its repetitions before it."""
        repetitions = KeyCount()
        try:
            for task in tasks:
                yield task if task.key is not None else task.with_key(self._key(task, repetitions))
        finally:
            repetitions.close()

    def _key(self, task: InputTask, repetitions: KeyCount) -> str:
        text = task.payload if task.type is None else f"{task.type}\0{task.payload}"
        digest = hashlib.sha256(text.encode()).hexdigest()[:32]
        return f"{self._run}-{digest}-{repetitions.add(digest)}"

    def has(self, task: InputTask) -> bool:
        """Whether the task, which has a key, was accepted by an earlier run."""
        return task.key in self._accepted if task.key is not None else False

    def known(self, tasks: Iterable[InputTask]) -> int:
        """Return how many of these tasks were accepted by an earlier run."""
        return sum(map(self.has, self.keyed(tasks))) if len(self._accepted) else 0

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
            self._write("".join(f"{line}\n" for line in lines))
        except OSError as error:
            raise FtaskError(
                f"Cannot write {self.path}: {error.strerror}.",
                "Make room, and run the command again: no task is submitted twice.",
            ) from error

    def _read(self) -> str:
        """Remember the keys of the accepted tasks; return the name of the run that began the ledger."""
        self._file.seek(0)
        line = "\n"
        try:
            header = json_object(self._file.readline())
            run = None if header is None or header.get(MARK) != VERSION else header.get("run")
            if not isinstance(run, str):
                raise NotALedgerError(self.path)
            for line in self._file:
                entry = json_object(line)
                key = None if entry is None else entry.get("key")
                if isinstance(key, str):
                    self._accepted.add(key)
        except UnicodeDecodeError:
            raise NotALedgerError(self.path) from None
        # The last line of an interrupted run may be half a line: its task is sent again, under its key.
        if not line.endswith("\n"):
            self._write("\n")
        return run

    def _unusable(self, error: OSError) -> FtaskError:
        return FtaskError(f"Cannot use {self.path}: {error.strerror}.", "Make its folder writable.")

    def _write(self, text: str) -> None:
        self._file.write(text)
        self._file.flush()
        os.fsync(self._file.fileno())
