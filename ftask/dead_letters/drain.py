"""Drain: move dead letters into a file of JSON lines; each is on disk before it leaves the queue.

A line carries the task's payload, so that `ftask submit --file` submits the file's tasks again.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.parallel import merge
from ftask.aws.stage import Stage
from ftask.core.codec import message_or_none
from ftask.core.drain import DrainOutcome, Write, drain_letters
from ftask.core.errors import FtaskError
from ftask.core.model import DeadLetter, Message, Removal, Task
from ftask.dead_letters.holding import HoldingReader
from ftask.dead_letters.selection import EVERYTHING, Selection
from ftask.home.private_files import open_private

CONNECTIONS = 4
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


Outcomes = list[tuple[Message | None, DrainOutcome]]


def drain(
    stage: Stage, file: DrainFile | None, removal: Callable[[], Removal] | None, selection: Selection = EVERYTHING
) -> Iterator[Outcomes]:
    """Move the selected dead letters into `file`, or delete them without one; yield the outcomes after each batch.

    `removal` returns what removes a drained task from the list of failed tasks; None leaves the tasks on it. A
    selection of everything includes letters that are not of a task. Stale letters are deleted and not written; all
    others stay, visible again when this ends, however it ends.

    Raises:
        FtaskError: AWS refused a request, or the file cannot be written.
    """
    selected = None if selection.selects_all else selection.matches
    yield from read_letters(stage, _with_payloads(stage, file.write) if file else write_nothing, removal, selected)


def read_letters(
    stage: Stage, write: Write, removal: Callable[[], Removal] | None, selected: Callable[[Task], bool] | None
) -> Generator[Outcomes]:
    """Run the core's drain over several connections; letters that stay are visible again when this ends."""
    seen: set[str] = set()
    reader = HoldingReader(stage.dead_letter_reader)
    with translate_aws_errors():
        try:
            connections = [
                drain_letters(stage.store, reader, write, removal, seen, selected) for _ in range(CONNECTIONS)
            ]
            with closing(merge(connections)) as batches:
                yield from batches
        finally:
            reader.release()


def _with_payloads(stage: Stage, write: Write) -> Write:
    def write_with_payloads(letters: Sequence[tuple[DeadLetter, Task | None]]) -> None:
        tasks = stage.store.with_payloads([task for _, task in letters if task is not None])
        write([(letter, None if task is None else next(tasks)) for letter, task in letters])

    return write_with_payloads


def write_nothing(letters: Sequence[tuple[DeadLetter, Task | None]]) -> None:
    """Keep no letter."""


def _line(letter: DeadLetter, task: Task | None) -> str:
    fields: dict[str, Any] = {MARK: VERSION, "messageId": letter.message_id}
    message = message_or_none(letter.body)
    if message is not None:
        fields |= {"taskId": message.task_id, "epoch": message.epoch}
    if task is not None and task.payload is not None:
        fields["type"] = task.type
        fields["payload"] = json.loads(task.payload)
    else:
        # The letter belongs to no task, or to one that is gone with its payload: its body is the last trace.
        fields["body"] = letter.body
    fields["attributes"] = dict(letter.attributes)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
