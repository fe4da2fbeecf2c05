"""The record of a running engine, by which later commands find it and tell it from another program at its port."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ftask.local.ports import HOST


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """A running engine.

    `started_at` is seconds since 1970. The engine repeats `token` in its health answer.
    """

    pid: int
    port: int
    token: str
    version: str
    started_at: float

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class RecordFile:
    """The file that says which engine serves a state folder, and at which port the last one did."""

    path: Path

    def running(self) -> RunningEngine | None:
        """Return the engine on record, which may have ended since; None if none is on record."""
        fields = self._read()
        try:
            return RunningEngine(**fields["running"]) if fields.get("running") else None
        except TypeError:  # written by another version
            return None

    def last_port(self) -> int | None:
        """Return the port of the last engine, None if unknown; with the same port its queue URLs stay valid."""
        port = self._read().get("lastPort")
        return port if isinstance(port, int) else None

    def write(self, running: RunningEngine | None, last_port: int | None = None) -> None:
        """Replace the record; a reader sees either the old one or the new one."""
        fields = {"running": asdict(running) if running else None, "lastPort": running.port if running else last_port}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(fields))
        fresh.replace(self.path)

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            fields = json.loads(self.path.read_text())
        except (OSError, ValueError):  # no record, or an unreadable one: it leads to no engine
            return {}
        return fields if isinstance(fields, dict) else {}
