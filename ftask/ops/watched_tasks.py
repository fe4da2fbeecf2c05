"""The tasks that a command waits for, as last read, in little memory however many they are: in a database on disk."""

from __future__ import annotations

import pickle
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ftask.core.errors import FtaskError
from ftask.core.model import Status, Task
from ftask.core.timestamps import to_iso

_TABLE = """CREATE TABLE tasks (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, status TEXT, kind TEXT, updated TEXT, task BLOB,
    is_open INTEGER NOT NULL DEFAULT 1
)"""


@dataclass(frozen=True, slots=True)
class LastRead:
    """What the previous read of a task showed; `status` is None before its first one."""

    status: Status | None
    error_kind: str | None
    updated_at: str | None


class WatchedTasks:
    """Tasks in the order in which they were given, each once. What it holds is lost with the process.

    With `keeps_tasks`, each task is kept whole, as it was read.
    """

    def __init__(self, task_ids: Iterable[str], *, keeps_tasks: bool = False) -> None:
        """Take the ids.

        Raises:
            FtaskError: the disk of temporary files is full.
        """
        self._keeps_tasks = keeps_tasks
        # A database without a name is a temporary file, of which two megabytes are kept in memory.
        # https://www.sqlite.org/inmemorydb.html#temp_db
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            _TABLE,
            "CREATE INDEX open_tasks ON tasks (number) WHERE is_open",
        ):
            self._database.execute(statement)
        with _translated():
            self._database.executemany(
                "INSERT INTO tasks (id) VALUES (?) ON CONFLICT DO NOTHING", ((task_id,) for task_id in task_ids)
            )
        self._total = int(self._database.execute("SELECT count(*) FROM tasks").fetchone()[0])
        self.open_count = self._total
        self._position = 0

    def __len__(self) -> int:
        return self._total

    def __iter__(self) -> Iterator[str]:
        for (task_id,) in self._database.execute("SELECT id FROM tasks ORDER BY number"):
            yield task_id

    def next_open(self, count: int) -> list[str]:
        """Return the next open tasks, at most `count`; after the last one, the first ones come again."""
        query = "SELECT number, id FROM tasks WHERE is_open AND number > ? ORDER BY number LIMIT ?"
        rows = self._database.execute(query, (self._position, count)).fetchall()
        if not rows and self._position:
            rows = self._database.execute(query, (0, count)).fetchall()
        self._position = rows[-1][0] if rows else 0
        return [task_id for _, task_id in rows]

    def put(self, task: Task, error_kind: str | None) -> LastRead:
        """Keep the task as it was read now; return what the read before showed.

        Raises:
            FtaskError: the disk of temporary files is full.
        """
        status, kind, updated = self._database.execute(
            "SELECT status, kind, updated FROM tasks WHERE id = ?", (task.task_id,)
        ).fetchone()
        with _translated():
            self._database.execute(
                "UPDATE tasks SET status = ?, kind = ?, updated = ?, is_open = ?, task = ? WHERE id = ?",
                (
                    task.status,
                    error_kind,
                    to_iso(task.updated_at),
                    not task.status.terminal,
                    pickle.dumps(task) if self._keeps_tasks else None,
                    task.task_id,
                ),
            )
        if task.status.terminal:
            self.open_count -= 1
        return LastRead(None if status is None else Status(status), kind, updated)

    def ids(self, status: Status, limit: int = -1) -> Iterator[str]:
        """Yield the tasks that were last read in this state, at most `limit`; -1 for all."""
        query = "SELECT id FROM tasks WHERE status = ? ORDER BY number LIMIT ?"
        for (task_id,) in self._database.execute(query, (status, limit)):
            yield task_id

    def as_read(self) -> Iterator[Task]:
        """Yield each task as it was read last."""
        for (document,) in self._database.execute("SELECT task FROM tasks WHERE task NOTNULL ORDER BY number"):
            task: Task = pickle.loads(document)  # noqa: S301 - this process wrote it, into a file without a name
            yield task


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise FtaskError(
            f"Cannot keep the tasks in {tempfile.gettempdir()}: {error}.",
            "Make room there, or name another folder with TMPDIR.",
        ) from error
