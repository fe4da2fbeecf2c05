"""Log events as a person reads them, one line each."""

from __future__ import annotations

import json
from typing import Any

from rich.text import Text

from ftask.core.timestamps import to_iso
from ftask.ops.logs import Event

LEVEL_STYLES = {"ERROR": "bold red", "WARNING": "yellow", "DEBUG": "dim"}
# From this width on a line has room for whole ids.
WIDE = 120
# Shown in front, in this order; the rest follows by name.
_FIRST = ("epoch", "attempt", "status", "durationMs", "errorType", "errorMessage", "reason", "message")
# How a person says it, and the unit that JSON has in the name.
_WORDS = {
    "durationMs": ("took", " ms"),
    "visibleInSeconds": ("again in", " s"),
    "errorType": ("error", ""),
    "errorMessage": ("message", ""),
}
# In every line of Lambda's own logger, and of no use without its console; the end of a lease, to a reader of results.
_NOISE = frozenset({"taskId", "leaseUntil", "requestId", "AWSRequestId", "logger", "location", "stackTrace"})


def event_json(event: Event) -> dict[str, Any]:
    return {
        "timestamp": to_iso(event.at),
        "function": event.function,
        "level": event.level,
        "event": event.name,
        **event.fields,
    }


def event_text(event: Event, width: int = WIDE) -> Text:
    """`12:00:01.250  worker  started   0123…  epoch 0  attempt 1`, with the id in short on a narrow terminal."""
    style = LEVEL_STYLES.get(event.level, "")
    line = Text(event.at.astimezone().strftime("%H:%M:%S.%f")[:-3], style="dim")
    line.append(f"  {event.function:<6}  ", style="cyan")
    line.append(f"{event.name:<9}", style=style or "bold")
    if event.task_id is not None:
        line.append(f"  {event.task_id if width >= WIDE else event.task_id[:8] + '…'}", style="magenta")
    names = [name for name in _FIRST if name in event.fields]
    names += sorted(event.fields.keys() - set(_FIRST) - _NOISE)
    for name in names:
        words, unit = _WORDS.get(name, (name, ""))
        line.append(f"  {words} ", style="dim")
        line.append(_value(event.fields[name]) + unit, style=style)
    return line


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
