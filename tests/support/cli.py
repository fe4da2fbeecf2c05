"""The installed command line, run as a user runs it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from multiprocessing.context import ForkServerContext
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ftask.cli import MODULES, main
from ftask.local.engine import STATE_DIR_VARIABLE

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
    *("ftask.render.bench.summary", "ftask.render.top", "ftask.render.dead_letters", "ftask.render.deploy"),
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
            process = _warm().Process(target=_run, args=(list(arguments), self.folder, environment, streams))
            process.start()
            process.join(TIMEOUT_SECONDS)
            if process.exitcode is None:
                process.kill()
                raise TimeoutError(f"ftask {' '.join(arguments)} has run for {TIMEOUT_SECONDS} s")
            return Done(process.exitcode, streams[1].read_text(), streams[2].read_text())

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Run it in the background, as the leader of a process group of its own."""
        with _as_from_a_terminal():
            return subprocess.Popen(
                [COMMAND, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=self.folder,
                env=self.environment,
                start_new_session=True,
            )


@contextmanager
def _as_from_a_terminal() -> Iterator[None]:
    """Processes started in here take Ctrl-C, also where the tests run in the background (`nohup … &`) and ignore it.

    A process inherits an ignored signal, but no handler.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _run(arguments: list[str], folder: Path, environment: dict[str, str], streams: list[Path]) -> None:
    """What a process of `_warm` does: the console script's work, with the streams and the environment of a user's."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, path in enumerate(streams):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
    sys.stdin, sys.stdout, sys.stderr = open(0), open(1, "w"), open(2, "w")  # noqa: SIM115 - they stay open
    sys.argv = [str(COMMAND), *arguments]
    main()


def make_cli(state: Path, folder: Path, *, warm: bool = True) -> Cli:
    """A command line whose engine keeps its state in `state`."""
    # A user's Python keeps its bytecode; without it every command would be compiled anew.
    foreign = ("AWS_", "FTASK_", "COLUMNS", "PYTHONDONTWRITEBYTECODE")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    environment |= {
        STATE_DIR_VARIABLE: str(state),
        "AWS_CONFIG_FILE": str(folder / "no-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(folder / "no-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    return Cli(environment, folder, warm)
