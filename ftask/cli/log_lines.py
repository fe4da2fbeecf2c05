"""Print log events as a stream of results."""

from __future__ import annotations

from collections.abc import Sequence
from re import Pattern

from ftask.cli.invocation import Invocation
from ftask.core.timestamps import now
from ftask.ops.logs import LogEvent
from ftask.render.logs import event_json, event_text


def print_events(run: Invocation, events: Sequence[LogEvent], highlight: Pattern[str] | None = None) -> None:
    """Print the events, one line each, or as JSON lines; in text, what matches `highlight` stands out."""
    if not events:
        return
    screen = run.screen
    ids = run.shown_ids(event.task_id for event in events if event.task_id is not None)
    width = None if screen.shows_whole_rows else screen.out.width
    for event in events:
        text = event_text(event, ids=ids, width=width, now=now(), highlight=highlight)
        screen.line(event_json(event), text)
