"""Log events, one line each."""

from __future__ import annotations

import json
from textwrap import indent
from typing import Any

from rich.text import Text

from ftask.core.model import EXPERIMENT_TYPE
from ftask.core.timestamps import to_iso
from ftask.ops.logs import Event

LEVEL_STYLES = {"ERROR": "bold red", "WARNING": "yellow", "DEBUG": "dim"}
# The columns from which a line has room for whole task ids.
WIDE = 120
# These fields come first, in this order; the others follow by name.
_FIRST = ("type", "epoch", "attempt", "status", "durationMs", "errorType", "errorMessage", "reason", "message")
# The label of a field, and its unit, which JSON has in the name.
_LABELS = {
    "durationMs": ("took", " ms"),
    "visibleInSeconds": ("visible in", " s"),
    "errorType": ("error", ""),
    "errorMessage": ("message", ""),
}
# Left out: the task id stands in front, the traceback below, and the others are for machines. JSON has all of them.
_HIDDEN = frozenset(
    {
        *("taskId", "traceback", "leaseUntil", "beside", "counted"),
        *("requestId", "AWSRequestId", "logger", "location", "stackTrace"),
    }
)


def event_json(event: Event) -> dict[str, Any]:
    """Return the JSON form of an event."""
    return {
        "timestamp": to_iso(event.at),
        "function": event.function,
        "level": event.level,
        "event": event.name,
        **event.fields,
    }


def event_text(event: Event, width: int = WIDE) -> Text:
    """Return one line: `12:00:01.250  worker  started    0123…  epoch 0  attempt 1`; a traceback follows below it.

    The task id is cut where the line has fewer than `WIDE` columns.
    """
    style = LEVEL_STYLES.get(event.level, "")
    line = Text(event.at.astimezone().strftime("%H:%M:%S.%f")[:-3], style="dim")
    line.append(f"  {event.function:<6}  ", style="cyan")
    line.append(f"{event.name:<9}", style=style or "bold")
    if event.task_id is not None:
        line.append(f"  {event.task_id if width >= WIDE else event.task_id[:8] + '…'}", style="magenta")
    # The experiment's lines go without their type, like its tables.
    fields = {name: value for name, value in event.fields.items() if (name, value) != ("type", EXPERIMENT_TYPE)}
    names = [name for name in _FIRST if name in fields]
    names += sorted(fields.keys() - set(_FIRST) - _HIDDEN)
    for name in names:
        label, unit = _LABELS.get(name, (name, ""))
        line.append(f"  {label} ", style="dim")
        line.append(_value(event.fields[name]) + unit, style=style)
    if event.fields.get("stackTrace"):
        line.append("  stack trace with -o json", style="dim")
    if isinstance(traceback := event.fields.get("traceback"), str):
        line.append("\n" + indent(traceback, "    "), style=style)
    return line


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
