"""The events of a stack while it changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ftask.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ftask.deploy.events import StackEvent


def show_events(run: Invocation, events: Iterable[StackEvent]) -> None:
    """Show how the stack changes: in place on a terminal, as lines of what has ended elsewhere; failures as lines."""
    from ftask.core.timestamps import now
    from ftask.render.deploy import event_line
    from ftask.render.stack_progress import StackProgress

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
