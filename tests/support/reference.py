"""The tables of stack/README.md that are made from the command line and its topics."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import typer
import typer.main

from ftask.cli import app
from ftask.cli.manual import commands, usage
from ftask.cli.topics import TOPICS

DOCUMENT = Path(__file__).parents[2] / "stack" / "README.md"
_PLACE = re.compile(r"(<!-- generated: ([a-z-]+) -->\n\n).*?(\n\n<!-- end -->)", re.DOTALL)


def rendered() -> str:
    """Return the document, its tables between `<!-- generated: NAME -->` and `<!-- end -->` as the code gives them."""
    return _PLACE.sub(lambda place: place[1] + _table(place[2]) + place[3], DOCUMENT.read_text())


def _table(name: str) -> str:
    if name != "commands":
        topic = TOPICS[name]
        return _markdown(topic.columns, topic.rows.items())
    root = typer.main.get_command(app)
    every = commands(root, typer.Context(root, info_name="ftask"))
    return _markdown(("command", "does"), ((usage(*one), one[0].help.partition("\n\n")[0]) for one in every))


def _markdown(columns: tuple[str, str], rows: Iterable[tuple[str, str]]) -> str:
    escaped = ((f"`{name}`", " ".join(text.split())) for name, text in rows)
    cells = [columns, ("---", "---"), *((name.replace("|", r"\|"), text.replace("|", r"\|")) for name, text in escaped)]
    return "\n".join(f"| {name} | {text} |" for name, text in cells)
