"""What the functions logged, read from CloudWatch Logs as events; the traceback of a task among it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import StackOutputs
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.events import SUMS, EventName
from ftask.core.model import EXPERIMENT_TYPE, WORKER_LOST, Failure
from ftask.core.text import json_object
from ftask.core.timestamps import from_iso, to_iso
from ftask.selection.filter import TaskFilter

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
# CloudWatch may show an entry later than one that was logged after it: how far before a group's newest entry each read
# of that group begins. Entries that come later still are missed.
LOOK_BACK = timedelta(minutes=1)
# An emulator writes what an invocation logged when it has ended.
MAX_INVOCATION = timedelta(minutes=15)
# The most entries that one answer carries.
# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
PAGE = 10_000
# The name of an event that is a line of plain text: what code printed outside of a task.
OUTPUT = "output"
# Lambda's own lines about each invocation, in its text format.
_ROUTINE = ("START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_START ")


@dataclass(frozen=True, slots=True)
class LogEvent:
    """One event of a function. `fields` are what it logged apart from time, level and name."""

    function: str
    at: datetime
    level: str
    name: str
    fields: Mapping[str, Any]

    @property
    def task_id(self) -> str | None:
        task_id = self.fields.get("taskId")
        return task_id if isinstance(task_id, str) else None

    @property
    def error(self) -> Failure | None:
        """The error that the event reports, if it reports one."""
        error_type, message = self.fields.get("errorType"), self.fields.get("errorMessage")
        return None if error_type is None else Failure(str(error_type), "" if message is None else str(message))

    def json(self) -> dict[str, Any]:
        """Return the JSON form."""
        head = {"timestamp": to_iso(self.at), "function": self.function, "level": self.level, "event": self.name}
        return {**head, **self.fields}


@dataclass(frozen=True, slots=True)
class EventFilter:
    """Which events are shown: those of a task, of a task type, of a level and above; without any field, all.

    `error` is a text in an event's error, as in :class:`ftask.selection.filter.TaskFilter`; `until` the latest time.
    """

    task_id: str | None = None
    level: str = "DEBUG"
    type: str | None = None
    error: str | None = None
    until: datetime | None = None

    def matches(self, event: LogEvent) -> bool:
        # An unknown level is shown rather than hidden.
        is_shown = event.level not in LEVELS or LEVELS.index(event.level) >= LEVELS.index(self.level)
        return (
            is_shown
            and (self.task_id is None or event.task_id == self.task_id)
            and (self.type is None or event.fields.get("type") == self.type)
            and (self.until is None or event.at <= self.until)
            and TaskFilter(error=self.error).matches_error(event.error)
        )


@dataclass
class LogReader:
    """Reads the events since `since`; each `look` returns those that are new since the last one."""

    target: Target
    groups: Mapping[str, str]  # function -> log group
    event_filter: EventFilter
    since: datetime
    # By function: the entries that may come again, with their times in milliseconds.
    _seen: dict[str, dict[tuple[str, int, str], int]] = field(default_factory=dict)

    def look(self) -> list[LogEvent]:
        """Return the events that are new, oldest first."""
        events = [event for function in self.groups for event in self._new_events(function)]
        shown = [event for event in events if self.event_filter.matches(event) and event.at >= self.since]
        return sorted(shown, key=lambda event: event.at)

    def _new_events(self, function: str) -> Iterator[LogEvent]:
        seen = self._seen.setdefault(function, {})
        # Each group has its own cursor: they are late independently of each other.
        newest_ms = max(seen.values(), default=0)
        start_ms = max(int(self.since.timestamp() * 1000), newest_ms - LOOK_BACK // timedelta(milliseconds=1))
        pattern = f'"{self.event_filter.task_id}"' if self.event_filter.task_id else None
        until = self.event_filter.until
        end_ms = None if until is None else int((until + MAX_INVOCATION).timestamp() * 1000)
        for entry in entries(self.target, self.groups[function], start_ms, pattern, end_ms):
            if identity(entry) in seen:
                continue
            seen[identity(entry)] = entry["timestamp"]
            event = parse(function, entry["message"], datetime.fromtimestamp(entry["timestamp"] / 1000, UTC))
            if event is not None:
                yield event
        # Entries before the start do not come again.
        self._seen[function] = {entry: at_ms for entry, at_ms in seen.items() if at_ms >= start_ms}


def entries(
    target: Target,
    group: str,
    start_ms: int,
    pattern: str | None = None,
    end_ms: int | None = None,
    *,
    page_size: int = PAGE,
) -> Iterator[Any]:
    """Yield the log entries since `start_ms`, milliseconds since 1970, as CloudWatch has them; some may come twice."""
    arguments: dict[str, Any] = {"logGroupName": group} | ({"filterPattern": pattern} if pattern else {})
    arguments |= {"PaginationConfig": {"PageSize": page_size}} | ({} if end_ms is None else {"endTime": end_ms})
    paginator = target.logs.get_paginator("filter_log_events")
    with translate_aws_errors():
        while True:
            last_page: list[Any] = []
            try:
                for page in paginator.paginate(startTime=start_ms, **arguments):
                    last_page = page["events"]
                    yield from last_page
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                    return  # the function has not run yet
                raise
            # AWS says with a token that there is more, which the paginator follows. An emulator may give no token with
            # a full page: then the next entries begin at the time of its last one.
            if len(last_page) < page_size or last_page[-1]["timestamp"] <= start_ms:
                return
            start_ms = last_page[-1]["timestamp"]


def identity(entry: Mapping[str, Any]) -> tuple[str, int, str]:
    """Return what distinguishes an entry from all others; not every emulator gives entries an id."""
    return entry.get("eventId") or entry.get("logStreamName", ""), entry["timestamp"], entry["message"]


def parse(function: str, message: str, written_at: datetime) -> LogEvent | None:
    """Return the event in a log line; None for Lambda's own lines about an invocation that went well."""
    line = json_object(message)
    if line is None:
        return _plain(function, message, written_at)
    if "record" in line and str(line.get("type")).startswith("platform."):
        return _platform(function, line, written_at)
    try:
        at = from_iso(line.get("timestamp", ""))
    except (TypeError, ValueError):
        at = written_at
    # An exception that Lambda's runtime logged has no event name; its type stands for one.
    name = str(line.get("event") or line.get("errorType") or EventName.LOG)
    if name in SUMS:
        return None  # sums for machines: each event has its own line
    fields = {key: value for key, value in line.items() if key not in ("timestamp", "level", "event")}
    return LogEvent(function, at, str(line.get("level", "INFO")), name, fields)


def _plain(function: str, message: str, written_at: datetime) -> LogEvent | None:
    if not message.strip() or message.startswith(_ROUTINE):
        return None
    return LogEvent(function, written_at, "INFO", OUTPUT, {"message": message.rstrip()})


def _platform(function: str, line: Mapping[str, Any], written_at: datetime) -> LogEvent | None:
    """Return the event in a line of Lambda itself, if it reports a failure.

    https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    """
    record = line["record"]
    status = record.get("status") if isinstance(record, dict) else None
    if status in (None, "success"):
        return None
    return LogEvent(function, written_at, "ERROR", str(line.get("type", "platform")), dict(record))


def log_groups(outputs: StackOutputs, functions: Sequence[str]) -> dict[str, str]:
    """Return the log group of each of these functions, `api` or `worker`."""
    groups = {"api": outputs.api_log_group, "worker": outputs.worker_log_group}
    return {function: groups[function] for function in functions}


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
