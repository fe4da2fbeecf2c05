"""The two streams of a command: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

T = TypeVar("T")


@dataclass
class Screen:
    """Where a command writes. With `json`, stdout carries JSON and nothing else; `quiet` drops the notes."""

    json: bool = False
    quiet: bool = False

    @cached_property
    def out(self) -> Console:
        return Console(file=sys.stdout, highlight=False, soft_wrap=not sys.stdout.isatty())

    @cached_property
    def err(self) -> Console:
        return Console(file=sys.stderr, highlight=False, soft_wrap=not sys.stderr.isatty())

    @property
    def live(self) -> bool:
        """Whether drawing in place makes sense: a person watches a terminal."""
        return self.out.is_terminal and self.err.is_terminal and not self.json and not self.quiet

    def result(self, value: Any, draw: Callable[[], RenderableType]) -> None:
        """Write a result: `value` as one JSON document, or the picture that `draw` makes of it."""
        if self.json:
            sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
        else:
            self.out.print(draw())

    def line(self, value: Any, text: str) -> None:
        """Write one element of a stream of results: a JSON line, or a line of text."""
        if self.json:
            sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
        else:
            self.out.print(text, markup=False, soft_wrap=True)
        sys.stdout.flush()

    def note(self, text: str) -> None:
        """Say something that is no result."""
        if not self.quiet:
            self.err.print(text, markup=False, style="dim")

    def picture(self, picture: RenderableType) -> None:
        """Draw something that is no result but worth seeing before one."""
        if not (self.json or self.quiet):
            self.err.print(picture)

    def warn(self, text: str) -> None:
        self.err.print(text, markup=False, style="yellow")

    @contextmanager
    def drawing(self, first: RenderableType, *, transient: bool) -> Iterator[Live]:
        """Draw in place until the block ends; the last picture stays, unless it is `transient`."""
        with Live(first, console=self.err if transient else self.out, auto_refresh=False, transient=transient) as live:
            yield live

    def progress(self, items: Iterable[T], total: int, what: str) -> Iterator[T]:
        """The items as they come, with a bar on stderr while there are many to wait for."""
        shown = total > 1 and self.err.is_terminal and not self.quiet
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self.err, transient=True, disable=not shown) as bar:
            task = bar.add_task(what, total=total)
            for item in items:
                yield item
                bar.advance(task)


def say_error(message: str, hint: str | None) -> None:
    """One error, one hint, on stderr."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    console.print("Error: ", style="bold red", end="")
    console.print(message, markup=False)
    if hint:
        console.print(hint, markup=False)
