"""The record of a running engine: how later commands find it, and know it from whatever else has its port by then."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ftask.local.ports import HOST


@dataclass(frozen=True, slots=True)
class Running:
    """A running engine. `started_at` is seconds since 1970; the engine repeats `token` in its health answer."""

    pid: int
    port: int
    token: str
    version: str
    started_at: float

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"


@dataclass(frozen=True, slots=True)
class Record:
    """The file that says which engine serves a state folder, and at which port the last one did."""

    path: Path

    def running(self) -> Running | None:
        """Return the engine on record, whether it still answers or not; None if there is none."""
        fields = self._read()
        try:
            return Running(**fields["running"]) if fields.get("running") else None
        except TypeError:  # written by another version
            return None

    def last_port(self) -> int | None:
        """Return the port of the last engine: queue URLs that it handed out stay right if the next one has it too."""
        port = self._read().get("lastPort")
        return port if isinstance(port, int) else None

    def write(self, running: Running | None, last_port: int | None = None) -> None:
        """Replace the record; a reader sees the old one or the new one, never half of either."""
        fields = {"running": asdict(running) if running else None, "lastPort": running.port if running else last_port}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(fields))
        fresh.replace(self.path)

    def delete(self) -> None:
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any]:
        try:
            fields = json.loads(self.path.read_text())
        except (OSError, ValueError):  # no record, or an unreadable one: no engine can be found by it
            return {}
        return fields if isinstance(fields, dict) else {}
