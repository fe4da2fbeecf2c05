"""A stack while it changes, as a picture in place: what is in progress, since when, and how much is done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.text import Text

from ftask.deploy.events import StackEvent
from ftask.render.tables import plain_table
from ftask.render.times import duration

# With its heading and the prompt they fit a small terminal.
MAX_ROWS = 12


class StackProgress:
    """Takes the events of a stack and draws where it stands.

    `clock` is this machine's: times are counted from when an event was seen.
    """

    def __init__(self, stack_name: str, clock: Callable[[], datetime]) -> None:
        self._stack_name = stack_name
        self._clock = clock
        self._begun = clock()
        self._status = ""
        self._running: dict[str, tuple[str, datetime]] = {}
        self._done: set[str] = set()

    def add(self, event: StackEvent) -> None:
        """Take the next event."""
        if event.of_stack:
            self._status = event.status
            return
        if event.status.endswith("_IN_PROGRESS"):
            status, since = self._running.get(event.logical_id, ("", self._clock()))
            # CloudFormation repeats the status once a resource has begun.
            self._running[event.logical_id] = (event.status, since if status == event.status else self._clock())
            self._done.discard(event.logical_id)
            return
        self._running.pop(event.logical_id, None)
        if not event.failed:
            self._done.add(event.logical_id)

    def draw(self) -> RenderableType:
        """Draw the current state of the stack."""
        now = self._clock()
        status = self._status or "waiting for CloudFormation"
        goes_back = "ROLLBACK" in status or "FAILED" in status
        head = Text.assemble(
            (self._stack_name, "bold"), "  ", (status, "red" if goes_back else ""),
            f"  {len(self._done):,} done, {len(self._running):,} in progress  ",
            (duration((now - self._begun).total_seconds()), "dim"),
        )  # fmt: skip
        if not self._running:
            return head
        table = plain_table()
        for _ in range(4):
            table.add_column(no_wrap=True)
        table.show_header = False
        for logical_id, (status, since) in list(self._running.items())[:MAX_ROWS]:
            table.add_row(" ", logical_id, Text(status, style="yellow"), duration((now - since).total_seconds()))
        more = len(self._running) - MAX_ROWS
        return Lines(head, table, *([Text(f"   and {more} more", style="dim")] if more > 0 else []))
