"""The traceback of a task's last failed attempt, from the worker's log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ftask.aws.stage import Stage
from ftask.core.events import EventName
from ftask.core.model import EXPERIMENT_TYPE, WORKER_LOST
from ftask.core.timestamps import from_iso
from ftask.ops.logs import entries, parse

# Around the attempt: the times of the log and of the item are of different clocks.
_MARGIN = timedelta(seconds=10)
# Errors that come without a traceback, because their message says everything.
_WITHOUT_TRACEBACK = frozenset({"RetryAfter", "InvalidPayload", "InvalidResult", "TimedOut", WORKER_LOST})


def last_traceback(stage: Stage, task: Mapping[str, Any]) -> str | None:
    """Return the traceback of the last failed attempt of `task`, a task's JSON form; None if none is found.

    Only the time around that attempt is searched. A task that did not fail costs no request.
    """
    failed = [attempt for attempt in task.get("history", ()) if "error" in attempt and "endedAt" in attempt]
    if "lastError" not in task or task.get("type", EXPERIMENT_TYPE) == EXPERIMENT_TYPE or not failed:
        return None
    attempt = failed[-1]
    if attempt["error"]["type"] in _WITHOUT_TRACEBACK:
        return None
    # An emulator writes what an invocation logged when it has ended.
    longest = timedelta(seconds=int(stage.stack.parameters["WorkerTimeout"]))
    begin, end = from_iso(attempt["startedAt"]) - _MARGIN, from_iso(attempt["endedAt"]) + longest + _MARGIN
    found = entries(
        stage.target, stage.outputs.worker_log_group, _milliseconds(begin), f'"{task["taskId"]}"', _milliseconds(end)
    )
    for entry in found:
        event = parse("worker", entry["message"], datetime.fromtimestamp(entry["timestamp"] / 1000, UTC))
        if event is None or event.name != EventName.ATTEMPT_FAILED:
            continue
        if (event.fields.get("epoch"), event.fields.get("attempt")) == (attempt["epoch"], attempt["attempt"]):
            return str(event.fields.get("traceback"))
    return None


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
