"""The installed command line on a terminal of its own (a pty), as a person sits before it."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.support.cli import COMMAND, Cli, as_from_a_terminal
from tests.support.waiting import until

# What draws on the whole terminal turns on, and must turn off again: the alternate screen, mouse reports, the report of
# the focus, pasting in brackets; and the cursor, the other way round.
_MODES = {"1049": "l", "1000": "l", "1003": "l", "1006": "l", "1004": "l", "2004": "l", "25": "h"}


class Terminal:
    """A command on a terminal, and all that it has written there."""

    def __init__(
        self, cli: Cli, arguments: tuple[str, ...], columns: int, rows: int, environment: dict[str, str]
    ) -> None:
        self._ours, self._its = pty.openpty()
        termios.tcsetwinsize(self._its, (rows, columns))
        self.before: list[Any] = termios.tcgetattr(self._its)
        self.written = ""
        with as_from_a_terminal():
            self.process = subprocess.Popen(
                [COMMAND, *arguments],
                stdin=self._its,
                stdout=self._its,
                stderr=self._its,
                cwd=cli.folder,
                env=cli.environment | {"TERM": "xterm-256color"} | environment,
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while True:
            try:
                piece = os.read(self._ours, 65536)
            except OSError:
                return
            self.written += piece.decode(errors="replace")

    @property
    def text(self) -> str:
        """What was written, without what steers the terminal."""
        return re.sub(r"\x1b(\[[0-9;?<>=$]*[a-zA-Z]|[PX^_\]].*?\x1b\\|[=>])", "", self.written)

    def until(self, text: str) -> None:
        """Wait until it has written this text."""
        until(lambda: text in self.text or self.process.poll() is not None, f"it shows {text!r}", look_every=0.05)
        assert text in self.text, self.text

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def ended(self) -> int:
        """Wait for its end, and return the exit code; minus the number of a signal that ended it."""
        code = self.process.wait(60)
        termios.tcdrain(self._its)
        return code

    @property
    def is_restored(self) -> bool:
        """Whether the terminal shows what it showed before, echoes, and has its cursor, which it lost meanwhile."""
        modes = dict(re.findall(r"\x1b\[\?(\d+)([hl])", self.written))
        assert "\x1b[?25l" in self.written, "it has never drawn in place"
        is_off = all(modes.get(mode, wanted) == wanted for mode, wanted in _MODES.items())
        return is_off and termios.tcgetattr(self._its) == self.before

    def close(self) -> None:
        self.process.kill()
        self.process.wait(60)
        for descriptor in (self._its, self._ours):
            os.close(descriptor)


@contextmanager
def on_a_terminal(
    cli: Cli, *arguments: str, columns: int = 100, rows: int = 30, **environment: str
) -> Iterator[Terminal]:
    """Run a command of ftask on a terminal of this size."""
    terminal = Terminal(cli, arguments, columns, rows, environment)
    try:
        yield terminal
    finally:
        terminal.close()
