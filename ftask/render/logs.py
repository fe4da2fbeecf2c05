"""Log events as a person reads them: when, where, which task, what happened."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from re import Pattern
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ftask.core.events import EventName
from ftask.core.model import EXPERIMENT_TYPE
from ftask.core.timestamps import to_iso
from ftask.ops.logs import OUTPUT, LogEvent
from ftask.render.statuses import status_text
from ftask.render.texts import duration

LEVEL_STYLES = {"CRITICAL": "bold red", "ERROR": "bold red", "WARNING": "yellow", "DEBUG": "dim"}
# Events whose message is somebody's own text; their level stands in the place of their name.
_MESSAGES = (EventName.LOG, OUTPUT)
# Loggers that say nothing about where a message is from.
_PLAIN_LOGGERS = ("root", "stdout", "stderr", None)
# These fields come first, in this order; the others follow by name.
_FIRST = ("type", "epoch", "attempt", "status", "waitMs", "durationMs", "errorType", "reason", "message")
# Shown elsewhere in the line or below it, or for machines. JSON has all of them.
_HIDDEN = frozenset(
    {
        *("taskId", "logger", "errorMessage", "traceback", "stackTrace", "leaseUntil", "beside", "counted"),
        *("requestId", "AWSRequestId", "location"),
    }
)
_HIDDEN_OF_MESSAGES = frozenset({"taskId", "logger", "traceback", "stackTrace"})
_NAME_WIDTH = 9
_TRACEBACK_INDENT = 4
# Below this many columns, times are in whole seconds.
_NARROW = 100
_HIGHLIGHT = "reverse"


def event_text(event: LogEvent, ids: Mapping[str, str] | None = None, highlight: Pattern[str] | None = None) -> Text:
    """Return an event for a pipe: `2026-01-01T12:00:00.000Z  worker  01234567…  started    send  attempt 1`.

    A message of the user's own code has its level in the place of the event's name. A traceback follows below. `ids`
    are the ids of tasks as they are shown; without them the line has none. What matches `highlight` stands out.
    """
    head, body, below = _parts(event, ids, highlight)
    lines = [Text.assemble((to_iso(event.at), "dim"), "  ", head, "  ", body)]
    lines += [Text(" " * _TRACEBACK_INDENT) + line for line in below.split("\n") if below]
    return Text("\n").join(lines)


def event_block(
    event: LogEvent,
    now: datetime,
    ids: Mapping[str, str] | None = None,
    highlight: Pattern[str] | None = None,
    *,
    width: int,
) -> RenderableType:
    """Draw an event for a terminal: the local time, with the date unless that is today's; long text wraps."""
    head, body, below = _parts(event, ids, highlight)
    block = Table.grid(padding=(0, 2, 0, 0))
    block.add_column(no_wrap=True)
    block.add_column(overflow="fold")
    block.add_row(Text.assemble((_time(event.at, now, narrow=width < _NARROW), "dim"), "  ", head), body)
    return Group(block, Padding(below, (0, 0, 0, _TRACEBACK_INDENT))) if below else block


def _parts(event: LogEvent, ids: Mapping[str, str] | None, highlight: Pattern[str] | None) -> tuple[Text, Text, Text]:
    """Return the function and the task of an event, what happened, and its traceback."""
    style = LEVEL_STYLES.get(event.level, "")
    head = Text(f"{event.function:<6}", style="cyan")
    if ids is not None:
        id_width = max(map(len, ids.values()), default=0)
        head.append(f"  {ids.get(event.task_id or '', ''):<{id_width}}", style="magenta")
    is_message = event.name in _MESSAGES
    name = event.level if is_message else event.name
    name_style = style or ("dim" if is_message else "bold")
    body = Text.assemble((f"{name:<{_NAME_WIDTH}}", name_style), "  ", Text("  ").join(_details(event, style)))
    body.rstrip()
    code, line_break, error = _stack(event).rpartition("\n")
    below = Text.assemble(code, line_break, (error, style))
    for text in (body, below):
        for match in highlight.finditer(text.plain) if highlight else ():
            text.stylize(_HIGHLIGHT, *match.span())
    return head, body, below


def searched_text(event: LogEvent) -> str:
    """Return what is searched for a text in an event: its line as a pipe gets it, and the values that it hides."""
    ids = {event.task_id: event.task_id} if event.task_id else {}
    hidden = [_value(event.fields[name]) for name in sorted(_HIDDEN & event.fields.keys())]
    return "\n".join([event_text(event, ids).plain, *hidden])


def _time(at: datetime, now: datetime, *, narrow: bool) -> str:
    local = at.astimezone()
    date = "" if local.date() == now.astimezone().date() else f"{local:%m-%d} "
    return f"{date}{local:%H:%M:%S}" if narrow else f"{date}{local:%H:%M:%S.%f}"[:-3]


def _details(event: LogEvent, style: str) -> Iterator[Text]:
    # What a task logged is its own business: nothing of it goes without saying.
    hidden = _HIDDEN_OF_MESSAGES if event.name in _MESSAGES else _HIDDEN
    names = [name for name in _FIRST if name in event.fields]
    names += sorted(event.fields.keys() - set(_FIRST) - hidden)
    if event.name in _MESSAGES:
        # The message comes before the fields that a structured logger adds. Whose it is, the id says.
        names = sorted((name for name in names if name != "type"), key=lambda name: name != "message")
    for name in names:
        detail = _detail(event, name, style)
        if detail is not None:
            yield detail


def _detail(event: LogEvent, name: str, style: str) -> Text | None:
    """Return one field as words; None if it goes without saying."""
    value = event.fields[name]
    text = _value(value)
    if event.name in _MESSAGES and name != "message":
        return Text.assemble((f"{name} ", "dim"), text)
    if name == "type":
        # The experiment's lines go without their type, like its tables.
        return None if value == EXPERIMENT_TYPE else Text(text)
    if name == "epoch":
        return Text(f"redrive {text}") if value else None
    if name == "status":
        return status_text(text)
    if name == "errorType":
        # The name of an event that Lambda's runtime logged is the type of its error.
        message = event.fields.get("errorMessage")
        parts = [text] if event.name != value else []
        parts += [] if message is None else [_value(message)]
        return Text(": ".join(parts), style="red") if parts else None
    if name == "message":
        logger = event.fields.get("logger")
        prefix = "" if logger in _PLAIN_LOGGERS or event.name not in _MESSAGES else f"{_value(logger)}: "
        return Text.assemble((prefix, "dim"), (text, style))
    if name == "reason":
        return Text(text, style=style)
    return _labelled(name, value)


def _labelled(name: str, value: Any) -> Text:
    label, words = name, _value(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        if name in ("durationMs", "waitMs"):
            label = "took" if name == "durationMs" else "waited"
            words = f"{value:g} ms" if value < 1000 else duration(value / 1000)
        elif name == "visibleInSeconds":
            label, words = "visible in", duration(value)
    return Text.assemble((f"{label} ", "dim"), words)


def _stack(event: LogEvent) -> str:
    """Return the traceback of an event, or "": text from ftask, a list of lines from Lambda's runtime."""
    traceback = event.fields.get("traceback", event.fields.get("stackTrace"))
    if isinstance(traceback, list):
        traceback = "\n".join(str(line).rstrip("\n") for line in traceback)
    return traceback if isinstance(traceback, str) else ""


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
