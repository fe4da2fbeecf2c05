"""Where the engine listens, and the record by which later commands find it and tell it from another program there.

And the engine's root key: random, one for each state folder, kept in a file that only its owner can read.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import string
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from ftask.core.errors import FtaskError
from ftask.home.private_files import OTHERS, replace_private, user_id

HOST = "127.0.0.1"
PREFERRED_PORT = 4566
PORT_VARIABLE = "FTASK_LOCAL_PORT"


def choose_port(last: int | None, *, keeps_stages: bool) -> int:
    """Return the port for a new engine; `last` is the one of the engine before.

    With `keeps_stages` it must be the same: the addresses of its queues have the port, and at another one ministack
    takes no message out of them.

    Raises:
        FtaskError: the configured port is not a port number, or another program uses the port that it must be.
    """
    configured = os.environ.get(PORT_VARIABLE)
    if configured is not None:
        if not configured.isdecimal() or not 0 < int(configured) < 65536:
            raise FtaskError(f"{PORT_VARIABLE} is {configured!r}, not a port number.", "Use 1 to 65535.")
        if not is_free(int(configured)):
            raise FtaskError(
                f"Another program uses port {configured}, which {PORT_VARIABLE} names.",
                f"Choose another port with {PORT_VARIABLE}, or unset it.",
            )
        if keeps_stages and last not in (None, int(configured)):
            raise FtaskError(
                f"{PORT_VARIABLE} is {configured}, but the local engine's stages have their addresses at port {last}.",
                f"Unset {PORT_VARIABLE}. Or begin anew: ftask local reset",
            )
        return int(configured)
    if keeps_stages and last is not None and not is_free(last):
        raise FtaskError(
            f"Another program uses port {last}, at which the local engine's stages have their addresses.",
            "End that program. Or begin anew at another port: ftask local reset",
        )
    for port in (last, PREFERRED_PORT):
        if port is not None and is_free(port):
            return port
    return any_free_port()


def any_free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free: int = probe.getsockname()[1]
        return free


def is_free(port: int) -> bool:
    """Return whether a server can listen at `port`."""
    with socket.socket() as probe:
        # The engine's server does the same: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


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

    @property
    def connection(self) -> tuple[str, str, str]:
        """The URL of the endpoint, and the id and the secret of its root key."""
        return self.endpoint_url, self.root_key.access_key_id, self.root_key.secret_access_key


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


_TIMEOUT_SECONDS = 5
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Health:
    """What an engine says of itself: the token that it was started with, and the version of ministack."""

    token: str
    version: str


def read_health(port: int, key: RootKey) -> Health | None:
    """Return what the engine at `port` says of itself; None if none answers there.

    The request is signed with `key`, so that another program at the port learns nothing of use.
    """
    url = f"http://{HOST}:{port}/_ministack/health"
    signed = AWSRequest("GET", url)
    SigV4Auth(ReadOnlyCredentials(key.access_key_id, key.secret_access_key, None), "ministack", _REGION).add_auth(
        signed
    )
    opener = build_opener(ProxyHandler({}))  # a proxy of the environment does not reach this machine
    try:
        with opener.open(Request(url, headers=dict(signed.headers.items())), timeout=_TIMEOUT_SECONDS) as answer:
            fields = json.loads(answer.read())
    except (URLError, OSError, ValueError):
        return None
    if not isinstance(fields, dict):
        return None
    return Health(str(fields.get("edition")), str(fields.get("version", "?")))


def answers(engine: RunningEngine) -> bool:
    """Return whether this engine answers at its port."""
    health = read_health(engine.port, engine.root_key)
    return health is not None and health.token == engine.token
