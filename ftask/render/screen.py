"""The two streams of a command: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from rich.console import Console, RenderableType
from rich.live import Live
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

T = TypeVar("T")

PIPE_WIDTH = 200


@dataclass
class Screen:
    """Where a command writes. With `json`, stdout carries JSON and nothing else; `quiet` drops the notes."""

    json: bool = False
    quiet: bool = False

    @cached_property
    def out(self) -> Console:
        terminal = sys.stdout.isatty()
        # Whoever pipes a table wants its lines whole.
        width = None if terminal or "COLUMNS" in os.environ else PIPE_WIDTH
        return Console(file=sys.stdout, highlight=False, soft_wrap=not terminal, width=width)

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

    def line(self, value: Any, text: str | Text) -> None:
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

    @contextmanager
    def board(self, first: RenderableType) -> Iterator[Live]:
        """Draw over the whole terminal until the block ends, and leave it as it was."""
        with Live(first, console=self.out, auto_refresh=False, screen=True) as live:
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

    def counting(self, items: Iterable[T], total: int, what: str, size: Callable[[T], int]) -> Iterator[T]:
        """The items as they come, with a bar that counts what each of them stands for, its rate and the time left."""
        shown = self.err.is_terminal and not self.quiet
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            _Rate(),
            TimeRemainingColumn(),
        )
        with Progress(*columns, console=self.err, transient=True, disable=not shown) as bar:
            task = bar.add_task(what, total=total)
            for item in items:
                bar.advance(task, size(item))
                yield item

    def spinning(self, items: Iterable[T], what: str) -> Iterator[T]:
        """The items as they come, with their number so far on stderr: nobody knows how many there will be."""
        shown = self.err.is_terminal and not self.quiet
        columns = (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f}"))
        with Progress(*columns, console=self.err, transient=True, disable=not shown) as bar:
            task = bar.add_task(what, total=None)
            for item in items:
                bar.advance(task)
                yield item


class _Rate(ProgressColumn):
    """How fast it goes."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")


def say_error(message: str, hint: str | None) -> None:
    """One error, one hint, on stderr."""
    console = Console(file=sys.stderr, highlight=False, soft_wrap=True)
    console.print("Error: ", style="bold red", end="")
    console.print(message, markup=False)
    if hint:
        console.print(hint, markup=False)
