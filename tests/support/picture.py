"""The picture of a terminal at the top of the README: drawn from a run, and compared with one."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from html import unescape
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.support.cli import Cli
from tests.support.terminal import on_a_terminal

COLUMNS = 100
TITLE = "ftask"

# What differs from run to run.
_VOLATILE = re.compile(r"\b[0-9a-f]{8,}\b…?|\b\d+(\.\d+)? (ms|s)\b|\b(\d{4}-\d\d-\d\dT)?\d\d:\d\d:\d\d(\.\d+Z)?")


@dataclass
class Picture:
    """Runs commands on a terminal, one after the other, and keeps what it shows."""

    cli: Cli
    shown: list[Text] = field(default_factory=list)

    def run(self, *arguments: str, notes: bool = False) -> str:
        """Run `ftask`; return its results without colours. With `notes`, show what it says on stderr too."""
        with TemporaryDirectory() as folder:
            file = Path(folder, "stderr")
            with on_a_terminal(self.cli, *arguments, columns=COLUMNS, notes=file) as terminal:
                terminal.ended()
            result, said = Text.from_ansi(terminal.written.replace("\r\n", "\n").rstrip()), file.read_text()
        self.shown.append(Text("$ ", "bold green") + Text(" ".join(["ftask", *arguments]), "bold"))
        self.shown.extend([result, Text(said.rstrip(), "dim")] if notes else [result])
        self.shown.append(Text())
        return result.plain

    def svg(self) -> str:
        """Everything that it shows, as an SVG."""
        console = Console(file=StringIO(), width=COLUMNS, record=True, force_terminal=True, highlight=False)
        for text in self.shown[:-1]:
            console.print(text)
        return console.export_svg(title=TITLE, theme=MONOKAI, unique_id=TITLE)

    @property
    def lasting(self) -> list[str]:
        """Its lines without spaces, and without what differs from run to run."""
        return _lasting(text.plain for text in self.shown)


def lasting_of(svg: str) -> list[str]:
    """What a picture shows, as :attr:`Picture.lasting`."""
    lines: dict[str, list[str]] = {}
    for line, text in re.findall(rf'clip-path="url\(#{TITLE}-line-(\d+)\)">(.*?)</text>', svg):
        lines.setdefault(line, []).append(unescape(text).replace("\xa0", " "))
    # Rich leaves out what is blank.
    return _lasting(" ".join(parts) for parts in lines.values())


def _lasting(texts: Iterable[str]) -> list[str]:
    lines = "\n".join(texts).splitlines()
    return [line for line in ("".join(_VOLATILE.sub("*", line).split()) for line in lines) if line]
