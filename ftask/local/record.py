"""The record of a running engine, by which later commands find it and tell it from another program at its port."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from ftask.home.private_files import replace_private
from ftask.local.ports import HOST
from ftask.local.root_key import NO_KEY, RootKey


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A running engine.

    `started_at` is seconds since 1970. The engine repeats `token` in its health answer. An engine that an earlier ftask
    started may have no root key, and then it has no guard.
    """

    pid: int
    port: int
    token: str = field(repr=False)
    version: str
    started_at: float
    root_key: RootKey = NO_KEY

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def is_guarded(self) -> bool:
        return self.root_key != NO_KEY


# A later version may record more.
_FIELDS = {each.name for each in fields(RunningEngine)}


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The file that says which engine serves a state folder, and at which port the last one did."""

    path: Path

    def running(self) -> RunningEngine | None:
        """Return the engine on record, which may have ended since; None if none is on record."""
        recorded = self._read().get("running")
        if not isinstance(recorded, dict):
            return None
        known = {name: recorded[name] for name in _FIELDS & recorded.keys()}
        try:
            return RunningEngine(**known | {"root_key": RootKey(**known["root_key"])} if "root_key" in known else known)
        except TypeError:  # not written by ftask
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
