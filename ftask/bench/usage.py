"""What a run took of AWS, counted from what the functions and Lambda itself logged about it."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ftask.aws.stage import Stage
from ftask.core.events import EventName
from ftask.core.text import json_object
from ftask.ops.logs import entries, groups_of, identity

# CloudWatch Logs adds this to each event's size.
# https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
EVENT_OVERHEAD_BYTES = 26
# Logs arrive a little after the invocation; on an emulator those that are not there soon come with the next one.
PATIENCE_SECONDS_AWS = 60.0
PATIENCE_SECONDS_EMULATED = 2.0
_POLL_SECONDS = 0.5
_BILLED = re.compile(r"Billed Duration: ([0-9.]+) ms")


@dataclass
class FunctionUsage:
    """What the invocations of one function took."""

    invocations: int = 0
    billed_ms: float = 0.0
    records: int = 0
    records_ms: float = 0.0
    log_bytes: int = 0
    platform_bytes: int = 0
    # By the events themselves, and by the lines that add them up: whichever is less has been told of whole.
    started: int = 0
    accepted: int = 0
    summed_started: int = 0
    summed_accepted: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    write_units: float = 0.0
    read_units: float = 0.0

    def add(self, message: str) -> None:
        """Take one log entry into account."""
        size = len(message.encode()) + EVENT_OVERHEAD_BYTES
        self.log_bytes += size
        line = json_object(message)
        if line is None or "record" in line:
            self.platform_bytes += size
            self._platform(message, line)
        elif line.get("event") == EventName.INVOCATION:
            # The line is written once an invocation, whatever the size of its batch.
            self.platform_bytes += size
            self._invocation(line)
        elif line.get("event") == EventName.STARTED:
            self.started += 1
        elif line.get("event") == EventName.ACCEPTED:
            self.accepted += 1

    def _platform(self, message: str, line: Mapping[str, Any] | None) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html"""
        if line is None:
            found = _BILLED.search(message)
            billed = float(found.group(1)) if found else None
        else:
            billed = line["record"].get("metrics", {}).get("billedDurationMs") if _is_report(line) else None
        if billed is not None:
            self.invocations += 1
            self.billed_ms += float(billed)

    def _invocation(self, line: Mapping[str, Any]) -> None:
        self.summed_started += int(line.get("Started", 0))
        self.summed_accepted += int(line.get("Accepted", 0))
        self.records += int(line.get("records", 0))
        self.records_ms += float(line.get("recordsMs", 0))
        self.write_units += float(line.get("writeUnits", 0))
        self.read_units += float(line.get("readUnits", 0))
        self.calls.update(line.get("calls", {}))

    def scaled(self, share: float) -> FunctionUsage:
        """The part of it that is `share` of all."""
        scaled = {name: value * share for name, value in vars(self).items() if name != "calls"}
        return FunctionUsage(**scaled, calls=Counter({name: count * share for name, count in self.calls.items()}))


@dataclass(frozen=True)
class RunUsage:
    """What the run took: of the API function, and of the worker. `complete` unless logs were still missing."""

    api: FunctionUsage
    worker: FunctionUsage
    complete: bool


def measure(
    stage: Stage,
    since: datetime,
    accepted: int,
    started: int,
    *,
    patiently: bool = True,
    sleep: Callable[[float], None] = time.sleep,
    tick: Callable[[], float] = time.monotonic,
) -> RunUsage:
    """Read the logs since `since` until they tell of all `accepted` tasks and all `started` attempts.

    What others did meanwhile is taken off in proportion. Unless `patiently`, what is there now has to do.
    """
    patience = PATIENCE_SECONDS_AWS if stage.target.endpoint_url is None else PATIENCE_SECONDS_EMULATED
    deadline = tick() + (patience if patiently else 0.0)

    def read(function: str, whole: Callable[[FunctionUsage], bool]) -> FunctionUsage:
        (group,) = groups_of(stage.outputs, (function,)).values()
        while True:
            found = add_up(entries(stage.target, group, int(since.timestamp() * 1000)))
            if whole(found) or tick() >= deadline:
                return found
            sleep(_POLL_SECONDS)

    def accepted_all(usage: FunctionUsage) -> bool:
        return min(usage.accepted, usage.summed_accepted) >= accepted

    def started_all(usage: FunctionUsage) -> bool:
        return min(usage.started, usage.summed_started) >= started

    api, worker = read("api", accepted_all), read("worker", started_all)
    return RunUsage(
        api.scaled(min(1.0, accepted / api.accepted) if api.accepted else 1.0),
        worker.scaled(min(1.0, started / worker.started) if worker.started else 1.0),
        accepted_all(api) and started_all(worker),
    )


def add_up(found: Iterable[Mapping[str, Any]]) -> FunctionUsage:
    """What these log entries tell, each of them once."""
    usage = FunctionUsage()
    seen = set()
    for entry in found:
        if identity(entry) not in seen:
            seen.add(identity(entry))
            usage.add(entry["message"])
    return usage


def _is_report(line: Mapping[str, Any]) -> bool:
    return line.get("type") == "platform.report" and isinstance(line.get("record"), dict)
