"""What the functions logged: their structured events, from CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import StackOutputs
from ftask.aws.target import Target
from ftask.core.events import SUMS
from ftask.core.text import json_object
from ftask.core.timestamps import from_iso

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# Events of one moment may be written after those of the next: how far back each look begins.
OVERLAP = timedelta(seconds=10)
# The most that one answer carries. AWS says with a token that there is more; an emulator may only be full.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
PAGE = 10_000
# Lambda's own lines about each invocation, in its text format.
_ROUTINE = ("START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_START ")


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a function. `fields` are what it said beside time, level and name."""

    function: str
    at: datetime
    level: str
    name: str
    fields: Mapping[str, Any]

    @property
    def task_id(self) -> str | None:
        found = self.fields.get("taskId")
        return found if isinstance(found, str) else None


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are meant; without any field, all."""

    task_id: str | None = None
    level: str = "DEBUG"

    def has(self, event: Event) -> bool:
        # A level that nobody knows is worth seeing.
        loud = event.level not in LEVELS or LEVELS.index(event.level) >= LEVELS.index(self.level)
        return loud and (self.task_id is None or event.task_id == self.task_id)


@dataclass
class LogReader:
    """Reads on from `since`: each look answers what came after the one before."""

    target: Target
    groups: Mapping[str, str]  # function -> log group
    wanted: EventFilter
    since: datetime
    _seen: dict[tuple[str, int, str], int] = field(default_factory=dict)

    def look(self) -> list[Event]:
        """The events that are new, oldest first."""
        cursor = max(self._seen.values(), default=0)
        start = max(int(self.since.timestamp() * 1000), cursor - int(OVERLAP.total_seconds() * 1000))
        found = [event for function in self.groups for event in self._new(function, start)]
        # What can no longer come again need not be remembered.
        self._seen = {entry: at for entry, at in self._seen.items() if at >= start}
        return sorted(
            (event for event in found if self.wanted.has(event) and event.at >= self.since), key=lambda event: event.at
        )

    def _new(self, function: str, start: int) -> Iterator[Event]:
        for entry in self._entries(self.groups[function], start):
            message, at = entry["message"], entry["timestamp"]
            if identity(entry) in self._seen:
                continue
            self._seen[identity(entry)] = at
            event = parse(function, message, datetime.fromtimestamp(at / 1000, UTC))
            if event is not None:
                yield event

    def _entries(self, group: str, start: int) -> Iterator[Any]:
        pattern = f'"{self.wanted.task_id}"' if self.wanted.task_id else None
        yield from entries(self.target, group, start, pattern)


def entries(target: Target, group: str, start: int, pattern: str | None = None) -> Iterator[Any]:
    """The log entries since `start`, in milliseconds since 1970, as CloudWatch has them; some may come twice."""
    arguments: dict[str, Any] = {"logGroupName": group} | ({"filterPattern": pattern} if pattern else {})
    with translate_aws_errors():
        while True:
            try:
                answer: Any = target.logs.filter_log_events(startTime=start, limit=PAGE, **arguments)
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return  # the function has not run yet
                raise
            found = answer["events"]
            yield from found
            if answer.get("nextToken"):
                arguments["nextToken"] = answer["nextToken"]
            elif len(found) >= PAGE and found[-1]["timestamp"] > start:
                start = found[-1]["timestamp"]
            else:
                return


def identity(entry: Mapping[str, Any]) -> tuple[str, int, str]:
    """What tells one entry from another; not every emulator gives entries an id."""
    return entry.get("eventId") or entry.get("logStreamName", ""), entry["timestamp"], entry["message"]


def parse(function: str, message: str, written_at: datetime) -> Event | None:
    """The event in a log line; None for what Lambda says of each invocation, unless that went wrong."""
    line = json_object(message)
    if line is None:
        return _plain(function, message, written_at)
    if "record" in line:
        return _platform(function, line, written_at)
    try:
        at = from_iso(line.get("timestamp", ""))
    except (TypeError, ValueError):
        at = written_at
    # An exception that Lambda's own runtime logged has no name but its type.
    name = line.get("event") or line.get("errorType") or "log"
    if name in SUMS:
        return None
    fields = {name: value for name, value in line.items() if name not in ("timestamp", "level", "event")}
    return Event(function, at, str(line.get("level", "INFO")), str(name), fields)


def _plain(function: str, message: str, written_at: datetime) -> Event | None:
    if not message.strip() or message.startswith(_ROUTINE):
        return None
    return Event(function, written_at, "INFO", "output", {"message": message.rstrip()})


def _platform(function: str, line: Mapping[str, Any], written_at: datetime) -> Event | None:
    """https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html"""
    record = line["record"]
    status = record.get("status") if isinstance(record, dict) else None
    if status in (None, "success"):
        return None
    return Event(function, written_at, "ERROR", str(line.get("type", "platform")), dict(record))


def groups_of(outputs: StackOutputs, functions: Sequence[str]) -> dict[str, str]:
    """The log groups of these functions, `api` or `worker`."""
    known = {"api": outputs.api_log_group, "worker": outputs.worker_log_group}
    return {function: known[function] for function in functions}
