"""The two streams of a command: results on stdout, everything else on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from textwrap import indent
from typing import IO, Any, TypeVar

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

from ftask.core.errors import OutputError
from ftask.render.safe import SafeConsole, json_text, safe_text
from ftask.render.tables import plain_lines
from ftask.render.texts import shorten

T = TypeVar("T")


@dataclass
class Screen:
    """Where a command writes. With `json`, stdout carries JSON only; `quiet` drops the notes.

    With `whole`, a terminal shows whole ids and rows, as everything else that reads stdout always gets them.
    """

    json: bool = False
    quiet: bool = False
    whole: bool = False

    @cached_property
    def out(self) -> Console:
        """The console of results: stdout."""
        return _console(sys.stdout, soft_wrap=not sys.stdout.isatty())

    @cached_property
    def err(self) -> Console:
        """The console of everything else: stderr."""
        return _console(sys.stderr, soft_wrap=not sys.stderr.isatty())

    @property
    def live(self) -> bool:
        """Whether drawing in place makes sense: a person watches a terminal."""
        if self.json or self.quiet:
            return False
        # A dumb terminal cannot move its cursor back.
        return all(console.is_terminal and not console.is_dumb_terminal for console in (self.out, self.err))

    @property
    def draws_progress(self) -> bool:
        """Whether a bar on stderr makes sense, also where stdout goes to a file."""
        return not self.quiet and sys.stderr.isatty() and self.err.is_terminal and not self.err.is_dumb_terminal

    def result(self, value: Any, draw: Callable[[], RenderableType]) -> None:
        """Write a result: `value` as one JSON document, or what `draw` returns."""
        if self.json:
            self.document(value)
            return
        picture = draw()
        with _writing_result():
            if self.shows_whole_rows:
                sys.stdout.writelines(f"{safe_text(line)}\n" for line in plain_lines(picture))
            else:
                self.out.print(picture)

    def shown_ids(self, task_ids: Iterable[str]) -> Mapping[str, str]:
        """Return how a result shows the ids of tasks: whole, or their first digits where a person reads them."""
        ids = list(task_ids)
        return {task_id: task_id for task_id in ids} if self.shows_whole_rows else shorten(ids)

    @property
    def shows_whole_rows(self) -> bool:
        """Whether a result is for another program, or the user has asked for all of it."""
        return self.whole or not sys.stdout.isatty()

    def results(self, values: Iterable[tuple[Any, str]]) -> None:
        """Write any number of results, each as its value and its line of text: one JSON array, or the lines."""
        with _writing_result():
            if not self.json:
                sys.stdout.writelines(f"{text}\n" for _, text in values)
                return
            separator = "["
            for value, _ in values:
                sys.stdout.write(f"{separator}\n{indent(json_text(value, indent=2), '  ')}")
                separator = ","
            sys.stdout.write("[]\n" if separator == "[" else "\n]\n")

    def document(self, value: Any) -> None:
        """Write a result that is JSON in either output format, like a policy."""
        with _writing_result():
            sys.stdout.write(json_text(value, indent=2) + "\n")

    def line(self, value: Any, picture: RenderableType) -> None:
        """Write one element of a stream of results: `value` as a JSON line, or the picture; a text is not broken."""
        with _writing_result():
            if self.json:
                sys.stdout.write(json_text(value) + "\n")
            else:
                self.out.print(picture, soft_wrap=isinstance(picture, str | Text))

    def note(self, text: str) -> None:
        """Write a remark to stderr, unless `quiet`."""
        if not self.quiet:
            self.err.print(text, style="dim")

    def next_steps(self, commands: Sequence[str]) -> None:
        """Write to stderr which commands come next, each on one line so that it can be pasted; not with `json`."""
        if commands and not (self.json or self.quiet):
            lines = "\n".join(["Next:", *(f"  {command}" for command in commands)])
            self.err.print(lines, style="dim", soft_wrap=True)

    def picture(self, picture: RenderableType) -> None:
        """Draw on stderr what a person should see before the result, like a plan; not with `json` or `quiet`."""
        if not (self.json or self.quiet):
            self.err.print(picture)

    def warn(self, text: str) -> None:
        """Write a warning to stderr, also if `quiet`."""
        self.err.print(text, style="yellow")

    @contextmanager
    def drawing(self, first: RenderableType, *, transient: bool) -> Iterator[Live]:
        """Draw in place until the block ends; the last picture stays, unless it is `transient`."""
        with Live(first, console=self.err if transient else self.out, auto_refresh=False, transient=transient) as live:
            yield live

    @contextmanager
    def ticking(self, draw: Callable[[], RenderableType]) -> Iterator[None]:
        """Draw in place on stderr, anew each second, until the block ends; nothing of it stays."""
        with Live(get_renderable=draw, console=self.err, refresh_per_second=1, transient=True):
            yield

    def counting(self, items: Iterable[T], total: int | None, what: str, size: Callable[[T], int]) -> Iterator[T]:
        """Return the items, with a bar on stderr that advances by the `size` of each, up to `total`."""
        if self.draws_progress:
            return counted(self.err, items, what, total, size)
        # Whoever made them closes them: only there an error of that can be reported.
        return (item for item in items)

    def spinning(self, items: Iterable[T], what: str) -> Iterator[T]:
        """Return the items, with their number so far on stderr, where the total is unknown."""
        return self.counting(items, None, what, size=lambda _: 1)


def say_error(message: str, hint: str | None) -> None:
    """Write one error and its hint to stderr."""
    console = _console(sys.stderr, soft_wrap=True)
    console.print("Error: ", style="bold red", end="")
    console.print(message)
    if hint:
        console.print(hint)


def say_error_json(message: str, hint: str | None, code: int) -> None:
    """Write one error to stderr as a line of JSON; `code` is the exit code."""
    sys.stderr.write(json_text({"error": {"message": message, "hint": hint, "code": int(code)}}) + "\n")


@contextmanager
def _writing_result() -> Iterator[None]:
    """Write to stdout at once.

    Raises:
        OutputError: stdout cannot be written to, like a file on a full disk.
        BrokenPipeError: nobody reads it.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputError(
            f"Cannot write the result to stdout: {error.strerror}. What the command did before stays done.",
            "Write it to a place with free space.",
        ) from error


def _console(stream: IO[str], *, soft_wrap: bool) -> Console:
    # Text is shown unchanged: an error about `[bold]` or `:ok:` keeps its brackets and colons.
    return SafeConsole(file=stream, soft_wrap=soft_wrap, markup=False, emoji=False, highlight=False)


def counted(
    console: Console, items: Iterable[T], what: str, total: int | None, size: Callable[[T], int]
) -> Iterator[T]:
    """Yield the items, with a bar that advances by the `size` of each; without a total, with a spinner and a number."""
    bar_columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    columns = (
        bar_columns if total is not None else (SpinnerColumn(), TextColumn("{task.description} {task.completed:,.0f}"))
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        for item in items:
            bar.advance(task, size(item))
            yield item


class _Rate(ProgressColumn):
    """The speed: items per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s", style="progress.data.speed")
