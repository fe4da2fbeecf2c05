"""What a run used of AWS, counted from the logs of the functions and of Lambda."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ftask.aws.stage import Stage
from ftask.bench.footprint import LOG_ENTRY_BYTES
from ftask.core.events import EventName
from ftask.core.text import json_object
from ftask.ops.logs import entries, identity

# Logs arrive a little after the invocation; on an emulator the last ones may come only with the next invocation.
PATIENCE_SECONDS_AWS = 60.0
PATIENCE_SECONDS_EMULATED = 2.0
_POLL_SECONDS = 0.5
# The status of an invocation whose process died, so that it could not sum up.
# https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#Status
_KILLED = frozenset({"error", "timeout"})
_BILLED = re.compile(r"Billed Duration: ([0-9.]+) ms")


@dataclass
class FunctionUsage:
    """What the invocations of one function used.

    Lambda `reported` some of its invocations with `billed_ms`; the function `summed` up some of them itself, with
    `busy_ms` by its own clock. A stage may log only the one. A worker that dies is `killed`, after `killed_ms`: it is
    reported and not summed up.
    """

    reported: float = 0
    billed_ms: float = 0.0
    summed: float = 0
    busy_ms: float = 0.0
    killed: float = 0
    killed_ms: float = 0.0
    records: int = 0
    records_ms: float = 0.0
    # Of all lines; of Lambda's own; of the function's sums, one an invocation.
    log_bytes: int = 0
    platform_bytes: int = 0
    summary_bytes: int = 0
    # Attempts that returned or raised, attempts whose worker died, and accepted tasks: from the events, and those that
    # have events for it from the sums too. The logs are complete up to the smaller count.
    finished: int = 0
    lost: int = 0
    accepted: int = 0
    summed_finished: int = 0
    summed_accepted: int = 0
    sqs_calls: float = 0
    write_units: float = 0.0
    read_units: float = 0.0

    @property
    def invocations(self) -> float:
        """The number of invocations."""
        return max(self.reported, self.summed + self.killed)

    @property
    def measured_ms(self) -> float:
        """How long the invocations took: by Lambda if it reported them all, else by the function's own clock."""
        return self.billed_ms if self.reported == self.invocations else self.busy_ms + self.killed_ms

    @property
    def attempts(self) -> float:
        """The number of attempts that have ended."""
        return self.finished + self.lost

    def add(self, message: str) -> None:
        """Add one log entry."""
        size = len(message.encode()) + LOG_ENTRY_BYTES
        self.log_bytes += size
        line = json_object(message)
        if line is None or "record" in line:
            self.platform_bytes += size
            self._add_report(message, line)
            return
        match line.get("event"):
            case EventName.INVOCATION:
                self.summary_bytes += size
                self._add_sums(line)
            case EventName.FINISHED:
                self.finished += 1
            case EventName.WORKER_LOST | EventName.ATTEMPT_LOST:
                self.lost += 1
            case EventName.ACCEPTED:
                self.accepted += 1

    def _add_report(self, message: str, line: Mapping[str, Any] | None) -> None:
        """https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html"""
        record: Mapping[str, Any] = {}
        if line is not None:
            record = line["record"] if line.get("type") == "platform.report" else {}
            billed = record.get("metrics", {}).get("billedDurationMs")
        else:
            match = _BILLED.search(message)
            billed = match and match[1]
        if billed is None:
            return
        self.reported += 1
        self.billed_ms += float(billed)
        if record.get("status") in _KILLED:
            self.killed += 1
            self.killed_ms += float(billed)

    def _add_sums(self, line: Mapping[str, Any]) -> None:
        durations = line.get("AttemptDuration", [])
        self.summed_finished += len(durations) if isinstance(durations, list) else 1
        self.summed_accepted += int(line.get("Accepted", 0))
        self.summed += 1
        self.busy_ms += float(line["busyMs"])
        # Of one message alone, the line has neither its number nor its time.
        self.records += int(line.get("records", 1))
        self.records_ms += float(line.get("recordsMs", line["busyMs"]))
        self.write_units += float(line.get("writeUnits", 0))
        self.read_units += float(line.get("readUnits", 0))
        self.sqs_calls += int(line.get("sqsCalls", 0))

    def scaled(self, share: float) -> FunctionUsage:
        """Return `share` of this usage, from 0 to 1."""
        return FunctionUsage(**{name: value * share for name, value in vars(self).items()})


@dataclass(frozen=True)
class RunUsage:
    """What a run used, by function. `complete` is False where logs were still missing."""

    api: FunctionUsage
    worker: FunctionUsage
    complete: bool


def measure(
    stage: Stage,
    since: datetime,
    accepted: int,
    attempts: int,
    *,
    patiently: bool = True,
    sleep: Callable[[float], None] = time.sleep,
    tick: Callable[[], float] = time.monotonic,
) -> RunUsage:
    """Read the logs since `since` until they have all `accepted` tasks and all `attempts`.

    If the logs have more, from others at the same time, the usage is reduced in proportion. Unless `patiently`, the
    logs are read once.
    """
    patience = stage.target.choose(aws=PATIENCE_SECONDS_AWS, emulator=PATIENCE_SECONDS_EMULATED)
    deadline = tick() + (patience if patiently else 0.0)

    def read(log_group: str, is_complete: Callable[[FunctionUsage], bool]) -> FunctionUsage:
        while True:
            usage = add_up(entries(stage.target, log_group, int(since.timestamp() * 1000)))
            if is_complete(usage) or tick() >= deadline:
                return usage
            sleep(_POLL_SECONDS)

    def accepted_all(usage: FunctionUsage) -> bool:
        return min(usage.accepted, usage.summed_accepted) >= accepted

    def ended_all(usage: FunctionUsage) -> bool:
        return usage.attempts >= attempts and usage.summed_finished >= usage.finished

    api = read(stage.outputs.api_log_group, accepted_all)
    worker = read(stage.outputs.worker_log_group, ended_all)
    return RunUsage(
        api.scaled(min(1.0, accepted / api.accepted) if api.accepted else 1.0),
        worker.scaled(min(1.0, attempts / worker.attempts) if worker.attempts else 1.0),
        accepted_all(api) and ended_all(worker),
    )


def add_up(log_entries: Iterable[Mapping[str, Any]]) -> FunctionUsage:
    """Return the usage in these log entries; an entry that comes twice counts once."""
    usage = FunctionUsage()
    for message in {identity(entry): entry["message"] for entry in log_entries}.values():
        usage.add(message)
    return usage
