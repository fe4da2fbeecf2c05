"""The events of a stack while it changes."""

from __future__ import annotations

from collections.abc import Iterable

from ftask.cli.invocation import Invocation
from ftask.core.timestamps import now
from ftask.deploy.events import StackEvent
from ftask.render.deploy import event_line
from ftask.render.stack_progress import StackProgress


def show_events(run: Invocation, events: Iterable[StackEvent]) -> None:
    """Show how the stack changes: in place on a terminal, as lines of what has ended elsewhere; failures as lines."""
    screen = run.screen
    if not screen.draws_progress or screen.json:
        for event in events:
            if event.of_stack or not event.status.endswith("_IN_PROGRESS"):
                screen.note(event_line(event))
        return
    progress = StackProgress(run.target.stack_name, now)
    with screen.ticking(progress.draw):
        for event in events:
            progress.add(event)
            if event.failed:
                screen.note(event_line(event))
