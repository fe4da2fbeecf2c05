"""Drain: move dead letters into a file of JSON lines; each is on disk before it leaves the queue.

A line carries the task's payload, so that `ftask submit --file` submits the file's tasks again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from ftask.actions.reading import over_connections
from ftask.aws.stage import Stage
from ftask.core.codec import message_or_none
from ftask.core.drain import drain_letters
from ftask.core.errors import FtaskError
from ftask.core.letters import Verdicts
from ftask.core.model import DeadLetter, Removal, Task
from ftask.home.private_files import open_private
from ftask.selection.filter import EVERYTHING, TaskFilter

# The field that marks a line of a drained file; its value is the version of the format.
MARK = "ftaskDeadLetter"
VERSION = 1


class DrainFile:
    """A file to which letters are appended. Threads may share it."""

    def __init__(self, path: Path) -> None:
        """Open the file at `path`, or create it.

        Raises:
            FtaskError: it cannot be written.
        """
        self._lock = threading.Lock()
        try:
            self._file = open_private(path, "ab")
        except OSError as error:
            raise FtaskError(
                f"Cannot write to {path}: {error.strerror}. Nothing was drained.", "Choose another file with --to."
            ) from error
        self._path = path

    def write(self, letters: Sequence[tuple[DeadLetter, Task | None]]) -> None:
        """Append the letters, each with its task; when this returns, they are on disk."""
        if not letters:
            return
        lines = [_line(letter, task) for letter, task in letters]
        content = "".join(line + "\n" for line in lines).encode()
        with self._lock:
            try:
                self._file.write(content)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError as error:
                raise FtaskError(
                    f"Cannot write to {self._path}: {error.strerror}. The letters of this batch stay in the queue.",
                    "Make room on the disk and run the command again: it appends to the file.",
                ) from error

    def close(self) -> None:
        self._file.close()


def drain(
    stage: Stage,
    file: DrainFile | None,
    removal: Callable[[], Removal] | None,
    task_filter: TaskFilter = EVERYTHING,
) -> Iterator[Verdicts]:
    """Move the selected dead letters into `file`, or delete them without one; yield the verdicts after each batch.

    `removal` returns what removes a drained task from the list of failed tasks; None leaves the tasks on it. A
    filter that selects all includes letters that are not of a task. Stale letters are deleted and not written; all
    others stay, visible again when this ends, however it ends.

    Raises:
        FtaskError: AWS refused a request, or the file cannot be written.
    """
    selected = None if task_filter.selects_all else task_filter.matches_failure

    def write(letters: Sequence[tuple[DeadLetter, Task | None]]) -> None:
        if file is not None:
            tasks = stage.store.with_payloads([task for _, task in letters if task is not None])
            file.write([(letter, task and next(tasks)) for letter, task in letters])

    yield from over_connections(
        stage, lambda reader, seen: drain_letters(stage.store, reader, write, removal, seen, selected)
    )


def _line(letter: DeadLetter, task: Task | None) -> str:
    fields: dict[str, Any] = {MARK: VERSION, "messageId": letter.message_id}
    message = message_or_none(letter.body)
    if message is not None:
        fields |= {"taskId": message.task_id, "epoch": message.epoch}
    if task is not None and task.payload is not None:
        fields["type"] = task.type
        fields |= {"group": task.group} if task.group else {}
        fields |= {"tags": dict(task.tags)} if task.tags else {}
        fields["payload"] = json.loads(task.payload)
    else:
        # The letter belongs to no task, or to one that is gone with its payload: its body is the last trace.
        fields["body"] = letter.body
    fields["attributes"] = dict(letter.attributes)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
