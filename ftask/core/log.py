"""One structured line an event, as CloudWatch Logs Insights reads them. Never a payload.

Lambda's JSON log format passes on a line that carries `level` and `timestamp` unchanged.
https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress

from ftask.core.events import Event
from ftask.core.timestamps import now, to_iso

# Without spaces: CloudWatch charges for each byte. It is kept, so that a task that replaces `json.dumps` is logged too.
_encode = json.JSONEncoder(separators=(",", ":")).encode


def write(event: Event) -> None:
    """Log `event`. JSON escapes every control character, so one event stays one line.

    What cannot be written is left out: a task may have closed the process's output, and must not fail others by that.
    """
    line = {"timestamp": to_iso(now()), "level": event.level, "event": event.name}
    line.update((field, value) for field, value in event.fields.items() if value is not None)
    write_line(_encode(line))


def write_line(line: str) -> None:
    """Log a line that is JSON already."""
    with suppress(OSError, ValueError):
        # One write: lines of several threads must not mix.
        sys.stdout.write(line + "\n")
