"""The events of a stack while it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ftask.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ftask.deploy.events import StackEvent


def show_events(run: Invocation, events: Iterable[StackEvent]) -> None:
    """Print each event that ends a step of a resource, and those of the stack itself."""
    from ftask.render.deploy import event_line

    for event in events:
        if event.of_stack or not event.status.endswith("_IN_PROGRESS"):
            run.screen.note(event_line(event))
