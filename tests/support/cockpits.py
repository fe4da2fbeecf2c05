"""A cockpit that runs without a terminal: its keys, and what it shows."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from textual.pilot import Pilot

from ftask.cockpit.app import Cockpit
from ftask.cockpit.operations import Ending
from ftask.cockpit.widgets import RowList
from ftask.core.errors import FtaskError
from ftask.ops.top import StageSnapshot
from tests.support.snapshots import a_snapshot

PATIENCE_SECONDS = 30


@dataclass
class Sampler:
    """Readings as the test says."""

    reading: StageSnapshot = field(default_factory=a_snapshot)
    error: FtaskError | None = None
    count: int = 0

    def snapshot(self) -> StageSnapshot:
        self.count += 1
        if self.error is not None:
            raise self.error
        return self.reading


class Driver:
    """A cockpit that runs, and what it shows."""

    def __init__(self, pilot: Pilot[Ending], sampler: Sampler) -> None:
        self._pilot = pilot
        self.sampler = sampler
        self.cockpit: Cockpit = pilot.app  # type: ignore[assignment]

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def resize(self, width: int, height: int) -> None:
        await self._pilot.resize_terminal(width, height)

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, as text."""
        screen = self.cockpit.screen
        return ["".join(segment.text for segment in strip) for strip in screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    async def until(self, text: str) -> None:
        """Wait until the screen shows this text."""
        await self.until_true(lambda: text in self.text, text)

    async def until_true(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain for {what!r}:\n{self.text}"
            await self._pilot.pause(0.01)

    async def until_row(self, text: str) -> None:
        """Wait until the selected row has this text."""
        await self.until_true(lambda: text in self.selected, text)

    @property
    def selected(self) -> str:
        rows = self.cockpit.screen.query_one(RowList)
        return "" if rows.highlighted is None else str(rows.get_option_at_index(rows.highlighted).prompt)


Story = Callable[[Driver], Awaitable[None]]
Play = Callable[..., Ending | None]
