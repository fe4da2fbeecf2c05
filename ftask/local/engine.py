"""The engine's life: started on first need, found again by later commands, stopped with its state kept.

One engine serves one state folder. Who starts or stops it holds the folder's lock, so two commands
at once never make two engines. The record of a running engine carries a random token that the engine
repeats in its health answer: a port that something else holds by now is never mistaken for ours.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from ftask.local.errors import EngineError
from ftask.local.ports import HOST, PORT_VARIABLE, any_free_port, choose_port, is_free
from ftask.local.record import Record, Running

STATE_DIR_VARIABLE = "FTASK_STATE_DIR"

START_SECONDS = 60.0
STOP_SECONDS = 30.0
LOCK_SECONDS = 90.0
_POLL_SECONDS = 0.05
_LOG_TAIL_LINES = 15


def default_root() -> Path:
    """Where the engine keeps its state: FTASK_STATE_DIR, or the user's state folder."""
    configured = os.environ.get(STATE_DIR_VARIABLE)
    return Path(configured).expanduser().resolve() if configured else user_state_path("ftask", appauthor=False)


class Engine:
    """The engine of one state folder."""

    def __init__(self, root: Path | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self.root = root or default_root()
        self._sleep = sleep
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return self.root / "engine.log"

    @property
    def _record(self) -> Record:
        return Record(self.root / "engine.json")

    def running(self) -> Running | None:
        """The engine, if it answers."""
        record = self._record.running()
        return record if record is not None and _answers(record) else None

    def crashed(self) -> bool:
        """Whether the last engine ended without being stopped, and so lost what it had not saved."""
        record = self._record.running()
        return record is not None and not _answers(record)

    def ensure(self) -> tuple[Running, bool]:
        """The running engine, started if need be, and whether this call started it.

        Raises:
            EngineError: it is not installed, or does not start.
        """
        found = self.running()
        if found is not None:
            return found, False
        require_installed()
        with self._locked():
            found = self.running()
            if found is not None:
                return found, False
            return self._start(), True

    def stop(self) -> bool:
        """Stop the engine, its state saved; False if none was running.

        Raises:
            EngineError: it does not end.
        """
        with self._locked():
            return self._stop()

    def reset(self) -> None:
        """Stop the engine and forget everything that it kept."""
        with self._locked():
            self._stop()
            for name in ("state", "s3", "tmp"):
                shutil.rmtree(self.root / name, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> list[str]:
        """The last lines of the engine's log."""
        try:
            return self.log_path.read_text(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []

    def _start(self) -> Running:
        port = choose_port(self._record.last_port())
        try:
            return self._start_at(port)
        except EngineError:
            if PORT_VARIABLE in os.environ or is_free(port):
                raise
        # Another program took the port between the look and the start.
        return self._start_at(any_free_port())

    def _start_at(self, port: int) -> Running:
        token = secrets.token_hex(8)
        shutil.rmtree(self.root / "tmp", ignore_errors=True)
        (self.root / "tmp").mkdir(parents=True)
        with self.log_path.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.root,
                env=self._environment(port, token),
                start_new_session=True,  # Ctrl-C in the command must not reach the engine
            )
        self._child = process
        deadline = time.monotonic() + START_SECONDS
        while process.poll() is None:
            health = _health(port)
            if health is not None and health.get("edition") == token:
                running = Running(process.pid, port, token, str(health.get("version", "?")), time.time())
                self._record.write(running)
                return running
            if time.monotonic() > deadline:
                process.kill()
                process.wait()
                raise EngineError(f"The local engine did not answer within {START_SECONDS:g} s.", self._log_hint())
            self._sleep(_POLL_SECONDS)
        raise EngineError(
            f"The local engine ended at once (exit code {process.returncode}).",
            self._log_hint(with_tail=True),
        )

    def _stop(self) -> bool:
        record = self._record.running()
        if record is None:
            return False
        if not _answers(record):
            self._record.delete()
            return False
        os.kill(record.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._alive(record.pid):
            if time.monotonic() > deadline:
                raise EngineError(f"The local engine (process {record.pid}) does not end.", self._log_hint())
            self._sleep(_POLL_SECONDS)
        # The port is kept on record, so that queue URLs handed out before stay right.
        self._record.write(None, last_port=record.port)
        return True

    def _alive(self, pid: int) -> bool:
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        try:
            os.kill(pid, 0)
            # In a container whose first process reaps nobody, the engine stays as a zombie.
            return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
        except ProcessLookupError:
            return False
        except OSError:  # no /proc on this system, or gone in between: the next signal tells
            return True

    def _environment(self, port: int, token: str) -> dict[str, str]:
        # Nothing of the caller's AWS configuration may leak into the engine or into the functions it runs.
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "FTASK_", "MINISTACK_", "LAMBDA_", "PYTHON", "COVERAGE_"))
        }
        return inherited | {
            "GATEWAY_PORT": str(port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "MINISTACK_EDITION": token,
            "AUTH": "true",
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.root / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.root / "s3"),
            "TMPDIR": str(self.root / "tmp"),
            "LAMBDA_EXECUTOR": "local",
            # Listeners of services that ftask does not use.
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self.root / "engine.lock", timeout=LOCK_SECONDS)
            with lock:
                yield
        except Timeout:
            raise EngineError(
                f"Another ftask command has been starting or stopping the engine for {LOCK_SECONDS:g} s.",
                f"See what it does: {self.log_path}",
            ) from None
        except OSError as error:
            raise EngineError(
                f"The state folder {self.root} cannot be used: {error.strerror or error}.",
                f"Make it writable, or choose another with {STATE_DIR_VARIABLE}.",
            ) from error

    def _log_hint(self, *, with_tail: bool = False) -> str:
        tail = "\n".join(self.log_tail()) if with_tail else ""
        return f"Its log is {self.log_path}" + (f", which ends:\n{tail}" if tail else ".")


def require_installed() -> None:
    """Fail with advice where the extra `local` is missing."""
    if importlib.util.find_spec("ministack") is None:
        raise EngineError(
            "The local engine is not installed.",
            'Install it with: pip install "ftask[local]" (or choose another stage with --stage).',
        )


def _answers(record: Running) -> bool:
    health = _health(record.port)
    return health is not None and health.get("edition") == record.token


def _health(port: int) -> dict[str, Any] | None:
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(f"http://{HOST}:{port}/_ministack/health", timeout=5) as answer:
            health = json.loads(answer.read())
    except (URLError, OSError, ValueError):
        return None
    return health if isinstance(health, dict) else None
