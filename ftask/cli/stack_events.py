"""The events of a stack, shown as they happen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ftask.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ftask.deploy.events import StackEvent


def show_events(run: Invocation, events: Iterable[StackEvent]) -> None:
    from ftask.render.stacks import event_line

    for event in events:
        if event.of_stack or not event.status.endswith("_IN_PROGRESS"):
            run.screen.note(event_line(event))
