"""The installed command line, run as a user runs it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

from ftask.cli import MODULES, main
from ftask.home.cache import CACHE_DIR_VARIABLE
from ftask.home.state_folder import STATE_DIR_VARIABLE
from tests.support.waiting import until

COMMAND = Path(sys.executable).parent / "ftask"
TIMEOUT_SECONDS = 120


@dataclass
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


# What a command has imported by the time that it calls AWS and draws its result.
_MODULES = (
    *("tests.support.warm", "tests.support.cli", *MODULES.values()),
    *("ftask.deploy.apply", "ftask.local.engine", "ftask.bench.experiment"),
    *("ftask.render.bench", "ftask.render.info", "ftask.render.dead_letters", "ftask.render.deploy"),
)


@cache
def _warm() -> ForkServerContext:
    """Forks processes from one that has imported the command line and read AWS's models.

    Most of a command's time is its imports.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(_MODULES))
    return context


@dataclass
class Cli:
    """Runs `ftask` as a user would, in `folder`, with nothing of the machine's AWS configuration.

    With `warm`, what the console script calls runs in a process of its own, whose imports have been made before.
    """

    environment: dict[str, str]
    folder: Path
    warm: bool = True

    def __call__(self, *arguments: str, stdin: str = "", **environment: str) -> Done:
        # Another PYTHONPATH asks for other imports.
        run = self._forked if self.warm and "PYTHONPATH" not in environment else self._installed
        done = run(arguments, stdin, self.environment | environment)
        assert "Traceback" not in done.out + done.err
        return done

    def _installed(self, arguments: Sequence[str], stdin: str, environment: dict[str, str]) -> Done:
        done = subprocess.run(
            [COMMAND, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            cwd=self.folder,
            env=environment,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def _forked(self, arguments: Sequence[str], stdin: str, environment: dict[str, str]) -> Done:
        with TemporaryDirectory() as folder:
            streams = [Path(folder, name) for name in ("in", "out", "err")]
            streams[0].write_text(stdin)
            process = forked(arguments, self.folder, environment, streams)
            process.join(TIMEOUT_SECONDS)
            if process.exitcode is None:
                process.kill()
                raise TimeoutError(f"ftask {' '.join(arguments)} has run for {TIMEOUT_SECONDS} s")
            return Done(process.exitcode, streams[1].read_text(), streams[2].read_text())

    @contextmanager
    def following(self, *arguments: str) -> Iterator[Following]:
        """Run it in the background, read all that it says, and end it at the end of the block."""
        with self.start(*arguments) as process:
            following = Following(process)
            try:
                yield following
            finally:
                process.kill()
                following.join()

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run it in the background, as the leader of a process group of its own."""
        with as_from_a_terminal():
            return subprocess.Popen(
                [COMMAND, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
            )


class Following:
    """A command that goes on in the background, and what it has said so far."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.out: list[str] = []
        self.err: list[str] = []
        streams = ((process.stdout, self.out), (process.stderr, self.err))
        self._readers = [threading.Thread(target=self._read, args=stream, daemon=True) for stream in streams]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: IO[str] | None, lines: list[str]) -> None:
        assert stream is not None
        lines.extend(iter(stream.readline, ""))

    def until(self, text: str, lines: list[str], times: int = 1) -> None:
        """Wait until it has said `text` in so many of `lines`, which are its `out` or `err`."""
        until(
            lambda: sum(text in line for line in list(lines)) >= times or self.process.poll() is not None,
            f"it says {text!r}",
            look_every=0.05,
        )
        assert sum(text in line for line in lines) >= times, "".join(self.err)

    def interrupt(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(TIMEOUT_SECONDS)
        self.join()
        return code

    def join(self) -> None:
        """Wait until all that it has said is read."""
        for reader in self._readers:
            reader.join()


@contextmanager
def as_from_a_terminal() -> Iterator[None]:
    """Processes started in here take Ctrl-C, also where the tests run in the background (`nohup … &`) and ignore it.

    A process inherits an ignored signal, but no handler.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def forked(
    arguments: Sequence[str],
    folder: Path,
    environment: dict[str, str],
    streams: Sequence[Path],
    without: str | None = None,
) -> ForkServerProcess:
    """Run what the console script calls, with these files or terminals as stdin, stdout and stderr.

    `without` names a module that it shall not find.
    """
    process = _warm().Process(target=_run, args=(list(arguments), folder, environment, streams, without))
    process.start()
    return process


def _run(
    arguments: list[str], folder: Path, environment: dict[str, str], streams: Sequence[Path], without: str | None
) -> None:
    """What a process of `_warm` does: the console script's work, with the streams and the environment of a user's."""
    # The terminal that the leader of a session opens controls it: Ctrl-C and its end reach the process. The tests may
    # ignore Ctrl-C, in the background.
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if without is not None:
        sys.modules[without] = None  # type: ignore[assignment]  # as Python marks what cannot be imported
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in enumerate(streams):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they stay open
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr  # type: ignore[misc]  # Textual
    sys.argv = [str(COMMAND), *arguments]
    main()


def make_cli(state: Path, folder: Path, *, warm: bool = True) -> Cli:
    """A command line whose engine keeps its state in `state`."""
    # A user's Python keeps its bytecode; without it every command would be compiled anew.
    foreign = ("AWS_", "FTASK_", "COLUMNS", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {
        STATE_DIR_VARIABLE: str(state),
        CACHE_DIR_VARIABLE: str(state / "cache"),
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Cli(environment, folder, warm)
