"""The engine's life: commands start it when they need it, later ones find it again, and a stop saves its state.

One engine serves one state folder. Whoever starts or stops it holds the folder's lock, so two commands at once never
start two engines. The record of a running engine has a random token that the engine repeats in its health answer, so
another program at its port is never taken for it.
"""

from __future__ import annotations

import importlib.util
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
from typing import NamedTuple

from filelock import FileLock, Timeout

from ftask.core.errors import FtaskError
from ftask.distribution import missing_extra
from ftask.home.private_files import FILE_MODE, OTHERS
from ftask.home.state_folder import (
    RUNTIME_FOLDER,
    default_root,
    narrow_contents,
    own_folder,
    unusable,
)
from ftask.local.environment import engine_environment
from ftask.local.record import (
    PORT_VARIABLE,
    ROOT_KEY_FILE,
    RecordFile,
    RunningEngine,
    answers,
    any_free_port,
    choose_port,
    is_free,
    read_health,
    root_key,
)

START_SECONDS = 60.0
# An engine that stops saves its state, which takes minutes where it has hundreds of thousands of items.
STOP_SECONDS = 900.0
# After this long, a note says what ftask waits for.
QUIET_SECONDS = 5.0
LOCK_SECONDS = 90.0
_POLL_SECONDS = 0.05
_LOG_TAIL_LINES = 15
_SERVER = "ftask.local.server"


class EnsuredEngine(NamedTuple):
    """An engine that runs. `started` says whether this call started it."""

    engine: RunningEngine
    started: bool


class Engine:
    """The engine of one state folder."""

    def __init__(
        self,
        root: Path | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        note: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open the engine of the state folder `root` (default: FTASK_STATE_DIR, or the user's state folder).

        `note` gets a line for the user where something takes long.
        """
        self.root = root or default_root()
        self._note = note
        self._sleep = sleep
        self._clock = clock
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def log_path(self) -> Path:
        return self.root / "engine.log"

    @property
    def _record(self) -> RecordFile:
        return RecordFile(self.root / "engine.json")

    def running(self) -> RunningEngine | None:
        """Return the engine if it runs and answers, else None."""
        recorded = self._record.running()
        return recorded if recorded is not None and answers(recorded) else None

    def crashed(self) -> bool:
        """Return whether the last engine ended without being stopped, and so lost what it had not saved."""
        recorded = self._record.running()
        return recorded is not None and not self._is_alive(recorded)

    def has_ended(self, engine: RunningEngine) -> bool:
        """Return whether `engine` is gone; one that is too busy to answer is not."""
        return self._record.running() != engine or not self._is_alive(engine)

    def ensure(self) -> EnsuredEngine:
        """Start the engine if it does not run.

        Raises:
            FtaskError: it is not installed or does not start, or the last one neither answers nor ends.
        """
        if (running := self.running()) is not None:
            return EnsuredEngine(running, started=False)
        require_installed()
        with self._locked():
            # Another command may have started it while this one waited for the lock.
            if (running := self.running()) is not None:
                return EnsuredEngine(running, started=False)
            # One that is busy or still saving must not get a second engine: both would write the same state.
            recorded = self._record.running()
            if recorded is not None and self._await_end(recorded, or_answer=True):
                return EnsuredEngine(recorded, started=False)
            return EnsuredEngine(self._start(), started=True)

    def stop(self) -> bool:
        """Stop the engine, which saves its state; False if none was running.

        Raises:
            FtaskError: it does not stop in time.
        """
        with self._locked():
            return self._stop()

    def reset(self) -> None:
        """Stop the engine and delete everything that it kept."""
        with self._locked():
            self._stop()
            for name in ("state", "s3", "tmp", RUNTIME_FOLDER):
                shutil.rmtree(self.root / name, ignore_errors=True)
            self.log_path.unlink(missing_ok=True)
            (self.root / ROOT_KEY_FILE).unlink(missing_ok=True)

    def log_tail(self, lines: int = _LOG_TAIL_LINES) -> list[str]:
        """Return the last lines of the engine's log."""
        try:
            return self.log_path.read_text(errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            return []

    def _start(self) -> RunningEngine:
        keeps_stages = any((self.root / "state").glob("*"))
        port = choose_port(self._record.last_port(), keeps_stages=keeps_stages)
        try:
            return self._start_at(port)
        except FtaskError:
            if keeps_stages or PORT_VARIABLE in os.environ or is_free(port):
                raise
        # Another program took the port between the check and the start.
        return self._start_at(any_free_port())

    def _start_at(self, port: int) -> RunningEngine:
        # packaging and venv take 21 ms to import, and most commands find an engine that runs.
        from ftask.local.runtime import runtime_python

        token = secrets.token_hex(8)
        shutil.rmtree(self.root / "tmp", ignore_errors=True)
        (self.root / "tmp").mkdir()
        python = runtime_python(self.root)
        narrow_contents(self.root)
        key = root_key(self.root)
        with open(self.log_path, "ab", opener=lambda path, flags: os.open(path, flags, FILE_MODE)) as log:
            process = subprocess.Popen(  # noqa: S603 - the command is ours, and no shell reads it
                # -P: nothing is imported from the state folder.
                [sys.executable, "-P", "-m", _SERVER, str(python)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.root,
                env=engine_environment(self.root, port, token, key, os.environ),
                umask=OTHERS,
                start_new_session=True,  # Ctrl-C in the command must not reach the engine
            )
        self._child = process
        deadline = self._clock() + START_SECONDS
        while process.poll() is None:
            health = read_health(port, key)
            if health is not None and health.token == token:
                running = RunningEngine(process.pid, port, token, health.version, time.time(), key)
                self._record.write(running)
                return running
            if self._clock() > deadline:
                process.kill()
                process.wait()
                raise FtaskError(f"The local engine did not answer within {START_SECONDS:g} s.", self._log_hint())
            self._sleep(_POLL_SECONDS)
        raise FtaskError(
            f"The local engine ended at its start (exit code {process.returncode}).",
            self._log_hint(with_tail=True),
        )

    def _stop(self) -> bool:
        recorded = self._record.running()
        if recorded is None:
            return False
        if not self._is_alive(recorded):
            self._record.delete()
            return False
        os.kill(recorded.pid, signal.SIGTERM)
        self._await_end(recorded)
        # The next engine gets the same port, so that the queue URLs of this one stay valid.
        self._record.write(None, last_port=recorded.port)
        return True

    def _await_end(self, recorded: RunningEngine, *, or_answer: bool = False) -> bool:
        """Wait until the recorded engine has saved its state and ended; return True if it answers before, and may.

        Raises:
            FtaskError: it does neither.
        """
        start = self._clock()
        noted = False
        while self._is_alive(recorded):
            if or_answer and answers(recorded):
                return True
            waited = self._clock() - start
            if waited > STOP_SECONDS:
                raise FtaskError(
                    f"The local engine (process {recorded.pid}) has neither answered nor ended in {STOP_SECONDS:g} s.",
                    f"{self._log_hint()} To give up what it has not saved: kill -9 {recorded.pid}",
                )
            if waited > QUIET_SECONDS and not noted:
                self._note(f"Waiting for the local engine (process {recorded.pid}), which is busy or saves its state.")
                noted = True
            self._sleep(_POLL_SECONDS)
        return False

    def _is_alive(self, recorded: RunningEngine) -> bool:
        """Return whether the process still runs, and is the engine on record: pids are used again."""
        pid = recorded.pid
        if self._child is not None and self._child.pid == pid:
            return self._child.poll() is None
        try:
            os.kill(pid, 0)
            # In a container whose first process reaps nobody, the engine stays as a zombie.
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return False
            return recorded.token.encode() in Path(f"/proc/{pid}/environ").read_bytes()
        except ProcessLookupError:
            return False
        except PermissionError:  # somebody else's process
            return False
        except OSError:  # no /proc on this system, or the process has just ended: the next signal shows which
            return True

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            own_folder(self.root)
            lock = FileLock(self.root / "engine.lock", timeout=LOCK_SECONDS, mode=FILE_MODE)
            with lock:
                yield
        except Timeout:
            raise FtaskError(
                f"Another ftask command has been starting or stopping the engine for {LOCK_SECONDS:g} s.",
                f"Its progress is in {self.log_path}.",
            ) from None
        except OSError as error:
            raise unusable(self.root, error) from error

    def _log_hint(self, *, with_tail: bool = False) -> str:
        tail = "\n".join(self.log_tail()) if with_tail else ""
        return f"Its log is {self.log_path}" + (f", which ends with:\n{tail}" if tail else ".")


def require_installed() -> None:
    """Raise FtaskError with advice where the extra `local` is not installed."""
    if importlib.util.find_spec("ministack") is None:
        raise FtaskError(
            "The local engine is not installed.",
            f"{missing_extra('local')} Or choose another stage with --stage.",
        )
