"""The record of a running engine, by which later commands find it and tell it from another program at its port.

And the engine's root key: random, one for each state folder, kept in a file that only its owner can read.
"""

from __future__ import annotations

import json
import secrets
import string
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ftask.home.private_files import OTHERS, replace_private, user_id
from ftask.local.address import HOST

ROOT_KEY_FILE = "credentials.json"
_ID_CHARACTERS = string.ascii_uppercase + "234567"


@dataclass(frozen=True, slots=True)
class RootKey:
    """An access key that may do everything in the engine."""

    access_key_id: str
    secret_access_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A running engine. `started_at` is seconds since 1970. The engine repeats `token` in its health answer."""

    pid: int
    port: int
    token: str = field(repr=False)
    version: str
    started_at: float
    root_key: RootKey

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The file that says which engine serves a state folder, and at which port the last one did."""

    path: Path

    def running(self) -> RunningEngine | None:
        """Return the engine on record, which may have ended since; None if none is on record."""
        try:
            recorded = self._read()["running"]
            return RunningEngine(**recorded | {"root_key": RootKey(**recorded["root_key"])})
        except (KeyError, TypeError):  # none, or not written by this ftask
            return None

    def last_port(self) -> int | None:
        """Return the port of the last engine, None if unknown; with the same port its queue URLs stay valid."""
        port = self._read().get("lastPort")
        return port if isinstance(port, int) else None

    def write(self, running: RunningEngine | None, last_port: int | None = None) -> None:
        """Replace the record; a reader sees either the old one or the new one."""
        record = {"running": asdict(running) if running else None, "lastPort": running.port if running else last_port}
        replace_private(self.path, json.dumps(record))

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            record = json.loads(self.path.read_text())
        except (OSError, ValueError):  # no record, or an unreadable one: it leads to no engine
            return {}
        return record if isinstance(record, dict) else {}


def root_key(folder: Path) -> RootKey:
    """Return the root key of the state folder; make it if none exists, or others may know it.

    Raises:
        OSError: the file cannot be read or written.
    """
    path = folder / ROOT_KEY_FILE
    try:
        status = path.lstat()
        if status.st_uid == user_id() and not status.st_mode & OTHERS:
            return RootKey(**json.loads(path.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        pass
    # As long as keys of AWS, and unlike them at the first look.
    key = RootKey("FTASK" + "".join(secrets.choice(_ID_CHARACTERS) for _ in range(15)), secrets.token_urlsafe(30))
    replace_private(path, json.dumps(asdict(key)))
    return key
