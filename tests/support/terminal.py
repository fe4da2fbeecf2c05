"""The command line on a terminal of its own (a pty), as a person sits before it."""

from __future__ import annotations

import os
import pty
import re
import select
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.cells import cell_len

from tests.support.cli import TIMEOUT_SECONDS, Cli, forked
from tests.support.waiting import until

# What draws on the whole terminal turns on, and must turn off again: the alternate screen, mouse reports, the report of
# the focus, pasting in brackets; and the cursor, the other way round.
_MODES = {"1049": "l", "1000": "l", "1003": "l", "1006": "l", "1004": "l", "2004": "l", "25": "h"}
_CONTROL = re.compile(r"\x1b(\[[0-9;?<>=$]*[a-zA-Z]|[PX^_\]].*?(\x1b\\|\x07)|[=>])")
_WHOLE_SCREEN = re.compile(r"\x1b\[\?1049h.*?\x1b\[\?1049l", re.DOTALL)
# What is drawn in place: the cursor is hidden meanwhile.
_DRAWN = re.compile(r"\x1b\[\?25l(.*?)\x1b\[\?25h", re.DOTALL)


class Terminal:
    """A command on a terminal, and all that it has written there."""

    def __init__(
        self,
        cli: Cli,
        arguments: Sequence[str],
        *,
        columns: int = 100,
        rows: int = 30,
        notes: Path | None = None,
        without: str | None = None,
        **environment: str,
    ) -> None:
        """Run a command of ftask on a terminal of this size, its stderr in the file `notes`, `without` a module."""
        self._ours, self._its = pty.openpty()
        self._columns = columns
        termios.tcsetwinsize(self._its, (rows, columns))
        self._before = self._after = termios.tcgetattr(self._its)
        self.written = ""
        self._hangs_up = False
        name = Path(os.ttyname(self._its))
        variables = cli.environment | {"TERM": "xterm-256color"} | environment
        self.process = forked(arguments, cli.folder, variables, [name, name, notes or name], without)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        # A read that waits would keep the terminal open when it is to be closed.
        while not self._hangs_up:
            if not select.select([self._ours], [], [], 0.05)[0]:
                continue
            try:
                piece = os.read(self._ours, 65536)
            except OSError:  # the other side is closed
                return
            self.written += piece.decode(errors="replace")

    @property
    def text(self) -> str:
        """What was written, without what steers the terminal."""
        return _CONTROL.sub("", self.written)

    def until(self, text: str) -> None:
        """Wait until it has written this text."""
        until(lambda: text in self.text or self.process.exitcode is not None, f"it shows {text!r}", look_every=0.05)
        assert text in self.text, self.text

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def send(self, signal_number: int) -> None:
        assert self.process.pid is not None
        os.kill(self.process.pid, signal_number)

    def hang_up(self) -> int:
        """Close the terminal under the command, and return its exit code."""
        self._hangs_up = True
        self._reader.join()
        os.close(self._its)
        os.close(self._ours)
        self._its = self._ours = -1
        self.process.join(TIMEOUT_SECONDS)
        return self._code()

    def ended(self) -> int:
        """Wait for its end, read all of it, and return the exit code; minus the number of a signal that ended it."""
        self.process.join(TIMEOUT_SECONDS)
        self._after = termios.tcgetattr(self._its)
        os.close(self._its)
        self._its = -1
        self._reader.join(TIMEOUT_SECONDS)
        return self._code()

    def _code(self) -> int:
        assert self.process.exitcode is not None, f"it still runs: {self.text}"
        return self.process.exitcode

    @property
    def has_drawn(self) -> bool:
        """Whether it has drawn in place."""
        return _DRAWN.search(self.written) is not None

    @property
    def is_restored(self) -> bool:
        """Whether, after its end, the terminal shows what it showed before, echoes, and has its cursor."""
        modes = dict(re.findall(r"\x1b\[\?(\d+)([hl])", self.written))
        return self._after == self._before and all(modes.get(mode, wanted) == wanted for mode, wanted in _MODES.items())

    @property
    def too_long(self) -> list[str]:
        """The lines drawn in place that the terminal broke: then what is drawn next does not cover them."""
        drawn = "\n".join(_DRAWN.findall(_WHOLE_SCREEN.sub("", self.written)))
        lines = re.split(r"[\r\n]", _CONTROL.sub("", drawn))
        return [line for line in lines if cell_len(line) > self._columns]

    def close(self) -> None:
        self.process.kill()
        self.process.join(TIMEOUT_SECONDS)
        for descriptor in (self._its, self._ours):
            if descriptor >= 0:
                os.close(descriptor)


@contextmanager
def on_a_terminal(cli: Cli, *arguments: str, **options: Any) -> Iterator[Terminal]:
    """Run a command of ftask on a terminal; `options` are those of :class:`Terminal`."""
    terminal = Terminal(cli, arguments, **options)
    try:
        yield terminal
    finally:
        terminal.close()
