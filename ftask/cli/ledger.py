"""What a stage has accepted of a file, so that an interrupted submission goes on and nothing is submitted twice."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from ftask.cli.payloads import Submission
from ftask.core.errors import FtaskError
from ftask.core.text import json_object

MARK = "ftaskAccepted"
VERSION = 1


class Ledger:
    """Lies beside the file, one for each stage. A line is known by its text: edited, it is a new task.

    The keys of its tasks are its own, so a request whose answer was lost makes no second task when it is sent again.
    """

    def __init__(self, path: Path) -> None:
        """Read it, or begin it; close it after use.

        Raises:
            FtaskError: it cannot be read or written, or is something else.
        """
        self.path = path
        self._accepted: dict[str, str] = {}
        try:
            if not path.exists():
                path.write_text(json.dumps({MARK: VERSION, "run": secrets.token_hex(8)}) + "\n")
            header, *entries = [json_object(line) for line in path.read_text().splitlines()] or [None]
        except OSError as error:
            raise FtaskError(f"{path} cannot be used: {error.strerror}.", "Make its folder writable.") from error
        if header is None or header.get(MARK) != VERSION:
            raise FtaskError(f"{path} is no record of accepted tasks.", "Move it away, and run the command again.")
        self._run = header["run"]
        self._file = path.open("a")
        for entry in entries:
            # The last line of an interrupted run may be half a line: its task is asked for again, under its key.
            if entry is not None and "key" in entry:
                self._accepted[entry["key"]] = entry.get("taskId", "")

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def keyed(self, submissions: Iterable[Submission]) -> list[Submission]:
        """The submissions, each with a key: its own, or that of its text and of how often that came before."""
        before: Counter[str] = Counter()
        found = []
        for submission in submissions:
            if submission.key is None:
                digest = hashlib.sha256(submission.payload.encode()).hexdigest()[:32]
                before[digest] += 1
                submission = replace(submission, key=f"{self._run}-{digest}-{before[digest]}")
            found.append(submission)
        return found

    def has(self, submission: Submission) -> bool:
        """Whether the submission, which has a key, was accepted earlier."""
        return submission.key in self._accepted

    def note(self, accepted: Sequence[tuple[str | None, str]]) -> None:
        """Remember these keys and task ids; when this returns, they are on disk."""
        self._file.write("".join(json.dumps({"key": key, "taskId": task_id}) + "\n" for key, task_id in accepted))
        self._file.flush()
        os.fsync(self._file.fileno())
