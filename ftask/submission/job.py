"""The tasks of one command: those to submit, those accepted, rejected and waited for, in one SQLite database.

It takes little memory, however many tasks there are. What a file's stage has accepted stays on disk beside the file, so
an interrupted submission continues. The rest ends with the process.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from ftask.client.answers import Accepted
from ftask.client.errors import ApiError
from ftask.core.errors import FtaskError
from ftask.core.model import Status
from ftask.home.private_files import open_private

# Marks a record among the databases of SQLite. https://www.sqlite.org/pragma.html#pragma_application_id
_APPLICATION_ID = 0x66746A62
_MAGIC = b"SQLite format 3\0"
# Rows that a reading of many has in memory.
_PAGE = 500
# Text of a user is stored as bytes: it may have half of a surrogate pair, which SQLite does not take as text.
_SCHEMA = """
CREATE TABLE tasks (
    number INTEGER PRIMARY KEY, payload BLOB, key BLOB, mark TEXT, line INTEGER, type BLOB, options TEXT,
    task_id TEXT, status TEXT, created TEXT
);
CREATE TABLE copies (digest TEXT PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE rejected (number INTEGER PRIMARY KEY, line INTEGER, text BLOB, reason BLOB);
CREATE TABLE watched (
    number INTEGER PRIMARY KEY, task_id TEXT NOT NULL UNIQUE, status TEXT, error_kind TEXT, updated TEXT,
    is_open INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX open_tasks ON watched (number) WHERE is_open;
"""
_RECORD_SCHEMA = f"""
PRAGMA record.application_id = {_APPLICATION_ID};
CREATE TABLE IF NOT EXISTS record.job (run TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS record.accepted (
    number INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, task_id TEXT NOT NULL
);
"""


class InputTask(NamedTuple):
    """A task as its source has it: payload as JSON text, key and type if the source names them, line of its file.

    `number` is its place in the job.
    """

    payload: str
    key: str | None = None
    line: int | None = None
    type: str | None = None
    number: int = 0
    # When it is due and its labels, as the API names them: `delay`, `at`, `group`, `tags`, `unique`, `uniqueKey`.
    options: Mapping[str, Any] = {}

    @property
    def text(self) -> str:
        """The task as a line of a file that `ftask submit --file` reads."""
        if self.type is None:
            return self.payload
        fields = json.dumps({"type": self.type, **(self.options or {})}, separators=(",", ":"))
        return f'{fields[:-1]},"payload":{self.payload}}}'


class Rejected(NamedTuple):
    """A line of a file that was not accepted as a task, and why."""

    line: int | None
    text: str
    reason: str


class LastRead(NamedTuple):
    """What the previous read of a task showed; `status` is None before its first one."""

    status: Status | None
    error_kind: str | None
    updated_at: str | None


# Of one batch, in order: each task, and whether the API accepted it.
Outcomes = list[tuple[InputTask, Accepted | ApiError]]


def record_path(file: Path, stage_name: str) -> Path:
    """Return where the accepted lines of `file` are kept, one record for each stage."""
    return file.with_name(f"{file.name}.{stage_name}.accepted")


def rejected_path(file: Path) -> Path:
    """Return where the rejected lines of `file` are kept."""
    return file.with_name(f"{file.name}.rejected")


class NotARecordError(FtaskError):
    """The file where a record of accepted tasks should be is something else."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not a record of accepted tasks, or is damaged.",
            "Move it away and run the command again, which submits every line of the file.",
        )


class Job:
    """The tasks of one command, in their order.

    The API never accepts a refused task unchanged; an unavailable one may be sent again.
    """

    def __init__(self) -> None:
        # A database without a name is a temporary file, of which two megabytes are kept in memory.
        # https://www.sqlite.org/inmemorydb.html#temp_db
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        # Not earlier: what an interrupted command says comes from it. Any thread may collect what is left.
        weakref.finalize(self, self._database.close)
        self._database.executescript(_SCHEMA)
        self._run = secrets.token_hex(8)
        self.record: Path | None = None
        self.total = self.accepted_count = self.rejected_count = 0
        self.watched_count = self.open_count = self._position = 0
        self.first_refusal: ApiError | None = None
        self.first_unavailable: ApiError | None = None

    def add(self, tasks: Iterable[InputTask]) -> None:
        """Add tasks to submit. One without a key gets one, of its content and its repetitions before it.

        Raises:
            FtaskError: the disk is full.
        """
        with self._transaction():
            for task in tasks:
                self._database.execute(
                    "INSERT INTO tasks (payload, key, mark, line, type, options) VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        *(_stored(task.payload), _stored(task.key), self._mark(task), task.line, _stored(task.type)),
                        json.dumps(task.options),
                    ),
                )
                self.total += 1

    def _mark(self, task: InputTask) -> str | None:
        if task.key is not None:
            return None
        text = task.payload if task.type is None else f"{task.type}\0{task.payload}"
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        self._database.execute(
            "INSERT INTO copies VALUES (?, 1) ON CONFLICT (digest) DO UPDATE SET times = times + 1", (digest,)
        )
        times = self._value("SELECT times FROM copies WHERE digest = ?", digest)
        return f"{digest}-{times}"

    def resume(self, record: Path) -> int:
        """Keep what is accepted in a record from now on; return how many tasks it has already.

        The record names the run that began it, by which a line has the same key in each run: a request that is sent
        again after a lost answer makes no second task. Edited, a line is a new task.

        Raises:
            NotARecordError: the file has other content.
            FtaskError: the file cannot be read or written, or belongs to another user.
        """
        try:
            open_private(record, "a").close()
            is_new = record.stat().st_size == 0
        except OSError as error:
            raise FtaskError(f"Cannot use {record}: {error.strerror}.", "Make its folder writable.") from error
        self.record = record
        with self._translated():
            self._database.execute("ATTACH ? AS record", (str(record),))
            if not is_new and self._value("PRAGMA record.application_id") != _APPLICATION_ID:
                raise NotARecordError(record)
            self._database.executescript(_RECORD_SCHEMA)
            self._database.execute("INSERT INTO record.job SELECT ? WHERE NOT EXISTS (SELECT * FROM job)", (self._run,))
            self._run = self._value("SELECT run FROM record.job")
            self._database.execute(
                "UPDATE tasks SET task_id = (SELECT task_id FROM record.accepted AS earlier"
                " WHERE earlier.key = coalesce(tasks.key, CAST(? || mark AS BLOB)))",
                (f"{self._run}-",),
            )
        return int(self._value("SELECT count(task_id) FROM tasks"))

    def to_send(self) -> Iterator[InputTask]:
        """Yield the tasks that no run has had accepted, each with its key."""
        query = "SELECT number, payload, key, mark, line, type, options FROM tasks WHERE number > ? AND task_id IS NULL"
        for number, payload, key, mark, line, task_type, options in self._pages(query):
            name = f"{self._run}-{mark}" if key is None else _text(key)
            yield InputTask(str(_text(payload)), name, line, _text(task_type), number, json.loads(options))

    def note(self, outcomes: Outcomes) -> None:
        """Note the outcomes of a batch; when this returns, what was accepted is on disk.

        Raises:
            FtaskError: the disk is full.
        """
        for task, outcome in outcomes:
            if isinstance(outcome, Accepted):
                self.accepted_count += 1
            elif outcome.refuses_task:
                self.reject(Rejected(task.line, task.text, outcome.message))
                self.first_refusal = self.first_refusal or outcome
            else:
                self.first_unavailable = self.first_unavailable or outcome
        accepted = [(task, outcome) for task, outcome in outcomes if isinstance(outcome, Accepted)]
        with self._transaction():
            if self.record is not None:
                self._database.executemany(
                    "INSERT INTO record.accepted (key, task_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    [(_stored(task.key), answer.task_id) for task, answer in accepted],
                )
            self._database.executemany(
                "UPDATE tasks SET task_id = ?, status = ?, created = ? WHERE number = ?",
                [(answer.task_id, answer.status, answer.created_at, task.number) for task, answer in accepted],
            )

    def reject(self, rejected: Rejected) -> None:
        """Keep a line that is not accepted."""
        with self._translated():
            self._database.execute(
                "INSERT INTO rejected (line, text, reason) VALUES (?, ?, ?)",
                (rejected.line, _stored(rejected.text), _stored(rejected.reason)),
            )
        self.rejected_count += 1

    def accepted(self) -> Iterator[Accepted]:
        """Yield what this run has had accepted, in order."""
        query = "SELECT number, task_id, status, created FROM tasks WHERE number > ? AND status NOTNULL"
        return (Accepted(*row[1:]) for row in self._pages(query))

    def rejected(self) -> Iterator[Rejected]:
        """Yield the rejected lines: first those that are not tasks, then those that the API refused."""
        for _, line, text, reason in self._pages("SELECT number, line, text, reason FROM rejected WHERE number > ?"):
            yield Rejected(line, str(_text(text)), str(_text(reason)))

    def write_rejected(self, path: Path) -> None:
        """Write the rejected lines to a file, or remove that of an earlier run where no line is rejected any more.

        Raises:
            FtaskError: the file cannot be written.
        """
        try:
            if not self.rejected_count:
                path.unlink(missing_ok=True)
                return
            with open_private(path, "w") as file:
                for line, text, reason in self.rejected():
                    file.write(json.dumps({"line": line, "reason": reason, "text": text}, ensure_ascii=False) + "\n")
        except OSError as error:
            raise FtaskError(f"Cannot write {path}: {error.strerror}.", "Make its folder writable.") from error

    def watch(self, task_ids: Iterable[str] | None = None) -> None:
        """Add tasks to wait for, each once: those with these ids, or all accepted ones, also those of earlier runs.

        Raises:
            FtaskError: the disk is full.
        """
        with self._transaction():
            if task_ids is None:
                self._database.execute(
                    "INSERT INTO watched (task_id) SELECT task_id FROM tasks WHERE task_id NOTNULL ORDER BY number"
                    " ON CONFLICT DO NOTHING"
                )
            else:
                self._database.executemany(
                    "INSERT INTO watched (task_id) VALUES (?) ON CONFLICT DO NOTHING", zip(task_ids, strict=False)
                )
        added = self._value("SELECT count(*) FROM watched") - self.watched_count
        self.watched_count += added
        self.open_count += added

    def next_open(self, count: int) -> list[str]:
        """Return the next tasks that have not ended, at most `count`; after the last one, the first ones come again."""
        query = "SELECT number, task_id FROM watched WHERE is_open AND number > ? ORDER BY number LIMIT ?"
        rows = self._database.execute(query, (self._position, count)).fetchall()
        if len(rows) < min(count, self.open_count):
            rows += self._database.execute(query, (0, min(count, self.open_count) - len(rows))).fetchall()
        self._position = rows[-1][0] if rows else 0
        return [task_id for _, task_id in rows]

    def put(self, task_id: str, read: LastRead) -> LastRead:
        """Note what a read of an open task has shown; return what the read before did."""
        status, error_kind, updated = self._database.execute(
            "SELECT status, error_kind, updated FROM watched WHERE task_id = ?", (task_id,)
        ).fetchone()
        is_open = read.status is None or not read.status.terminal
        with self._translated():
            self._database.execute(
                "UPDATE watched SET status = ?, error_kind = ?, updated = ?, is_open = ? WHERE task_id = ?",
                (*read, is_open, task_id),
            )
        self.open_count -= not is_open
        return LastRead(None if status is None else Status(status), error_kind, updated)

    def watched(self, status: Status | None = None, *, is_open: bool | None = None) -> Iterator[str]:
        """Yield the ids that are waited for: all, those that were last read in this state, or those still open."""
        query = "SELECT number, task_id FROM watched WHERE number > ?"
        query += "" if status is None else f" AND status = '{status}'"
        query += "" if is_open is None else f" AND is_open = {is_open:d}"
        return (task_id for _, task_id in self._pages(query))

    def _pages(self, query: str) -> Iterator[Any]:
        """Yield the rows of a query that begins with their number; they may change as they are read."""
        last = 0
        while rows := self._database.execute(f"{query} ORDER BY number LIMIT {_PAGE}", (last,)).fetchall():
            yield from rows
            last = rows[-1][0]

    def _value(self, query: str, *values: Any) -> Any:
        return self._database.execute(query, values).fetchone()[0]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._translated(), self._database:
            self._database.execute("BEGIN")
            yield

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            if self.record is not None and error.sqlite_errorcode in (sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT):
                raise NotARecordError(self.record) from error
            where = tempfile.gettempdir() if self.record is None else f"{self.record} or {tempfile.gettempdir()}"
            raise FtaskError(
                f"Cannot keep the tasks in {where}: {error}.",
                "Make room there, or name another folder for temporary files with TMPDIR; then run the command again.",
            ) from error


def recorded_ids(content: bytes) -> list[str] | None:
    """Return the ids in a record of accepted tasks; None where `content` is something else."""
    if not content.startswith(_MAGIC):
        return None
    with tempfile.NamedTemporaryFile() as copy:
        copy.write(content)
        copy.flush()
        database = sqlite3.connect(copy.name)
        try:
            return [task_id for (task_id,) in database.execute("SELECT task_id FROM accepted ORDER BY number")]
        except sqlite3.DatabaseError:
            return None
        finally:
            database.close()


def _stored(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogatepass")


def _text(stored: bytes | None) -> str | None:
    return None if stored is None else stored.decode("utf-8", "surrogatepass")
