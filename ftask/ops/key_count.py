"""How often keys have come, and which are known, in little memory however many they are: in a database on disk."""

from __future__ import annotations

import sqlite3
import tempfile

from ftask.core.errors import FtaskError


class KeyCount:
    """Counts keys. What it holds is lost when it is closed."""

    def __init__(self) -> None:
        # A database without a name is a temporary file, of which two megabytes are kept in memory.
        # https://www.sqlite.org/inmemorydb.html#temp_db
        self._database = sqlite3.connect("", isolation_level=None)
        for statement in (
            "PRAGMA journal_mode = OFF",
            "PRAGMA synchronous = OFF",
            "CREATE TABLE keys (key BLOB PRIMARY KEY, times INTEGER NOT NULL) WITHOUT ROWID",
        ):
            self._database.execute(statement)

    def add(self, key: str) -> int:
        """Count the key; return how often it has come, this time included.

        Raises:
            FtaskError: the disk of temporary files is full.
        """
        try:
            self._database.execute(
                "INSERT INTO keys VALUES (?, 1) ON CONFLICT (key) DO UPDATE SET times = times + 1", (_bytes(key),)
            )
            return self[key]
        except sqlite3.Error as error:
            raise FtaskError(
                f"Cannot count the tasks in {tempfile.gettempdir()}: {error}.",
                "Make room there, or name another folder with TMPDIR.",
            ) from error

    def __getitem__(self, key: str) -> int:
        """How often the key has come; 0 if it has not."""
        row = self._database.execute("SELECT times FROM keys WHERE key = ?", (_bytes(key),)).fetchone()
        return 0 if row is None else int(row[0])

    def __contains__(self, key: str) -> bool:
        return self[key] > 0

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM keys").fetchone()[0])

    def close(self) -> None:
        self._database.close()


def _bytes(key: str) -> bytes:
    # A key in a file may have half of a surrogate pair, which a database does not take as text.
    return key.encode("utf-8", "surrogatepass")
