"""A bar or a spinner on a terminal while a command works, gone when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from rich.console import Console
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
