"""What each invocation did, as one line of log that CloudWatch reads as metrics too.

Embedded metric format: a line of JSON with an `_aws` block becomes metrics without a call to CloudWatch.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ftask.core import events, log
from ftask.core.events import Event, EventName
from ftask.core.model import WORKER_LOST, Status
from ftask.core.ports import Clock, Observer
from ftask.core.timestamps import now

NAMESPACE = "ftask"

# The metric that counts an event.
_COUNTED = {
    EventName.ACCEPTED: "Accepted",
    EventName.STARTED: "Started",
    EventName.IGNORED: "DuplicatesIgnored",
    EventName.LEASE_LOST: "LeasesLost",
    EventName.MALFORMED: "Malformed",
    EventName.WORKER_LOST: "WorkersLost",
}
_ATTEMPT_DURATION = "AttemptDuration"
_QUEUE_WAIT = "QueueWait"
_ENDS = {status.metric for status in Status if status.metric}
METRICS = frozenset({*_COUNTED.values(), *_ENDS, _ATTEMPT_DURATION, _QUEUE_WAIT})


class Usage:
    """Counts what calls to AWS cost: requests as they are sent, and the capacity units that DynamoDB reports."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._write_units = 0.0
        self._read_units = 0.0

    def called(self, operation: str) -> None:
        """Count one request, like `dynamodb.UpdateItem`; one that the SDK sends again counts again."""
        with self._lock:
            self._calls[operation] += 1

    def consumed(self, *, write_units: float = 0, read_units: float = 0) -> None:
        """Count capacity units of DynamoDB."""
        with self._lock:
            self._write_units += write_units
            self._read_units += read_units

    def taken(self) -> dict[str, Any]:
        """Return `calls`, `writeUnits` and `readUnits` since the last call, without those that are zero."""
        with self._lock:
            counts = {"calls": dict(self._calls), "writeUnits": self._write_units, "readUnits": self._read_units}
            self._calls.clear()
            self._write_units = self._read_units = 0.0
        return {name: value for name, value in counts.items() if value}


class _Ended:
    """The attempts of one type that ended."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.durations: list[int] = []

    def add(self, status: Status, duration_ms: int | None = None) -> None:
        """Count an attempt that led to `status`; without a duration, its worker was lost."""
        if status.metric:
            self.counts[status.metric] += 1
        if duration_ms is not None:
            self.durations.append(duration_ms)


class Meter:
    """Logs the events of one function, and at the end of each invocation their sums.

    The attempts of tasks of these `types` are also summed by type: those that the user declared, so that no client
    can add a metric.

    Threads may share it. Invocations follow each other: Lambda runs one at a time in a process.
    """

    def __init__(
        self,
        stack: str,
        usage: Usage,
        write: Observer = log.write,
        clock: Clock = now,
        tick: Callable[[], float] = time.monotonic,
        types: Iterable[str] = (),
    ) -> None:
        self._stack = stack
        self._usage = usage
        self._write = write
        self._clock = clock
        self._tick = tick
        self._types = frozenset(types)
        self._lock = threading.Lock()
        self._forget()

    def observe(self, event: Event) -> None:
        """Log `event` and count it."""
        self._write(event)
        name, fields = event.name, event.fields
        with self._lock:
            if name in _COUNTED:
                self._counts[_COUNTED[name]] += 1
            if name is EventName.STARTED and fields["waitMs"] is not None:
                self._waits.append(fields["waitMs"])
            if name is EventName.FINISHED:
                self._durations.append(fields["durationMs"])
                status = Status(fields["status"])
                if status is Status.FAILED:
                    self._failed[str(fields["errorType"])] += 1
                elif status.metric:
                    self._counts[status.metric] += 1
                if fields["type"] in self._types:
                    self._ended[fields["type"]].add(status, fields["durationMs"])
            if name is EventName.WORKER_LOST:
                self._failed[WORKER_LOST] += 1
                if fields["type"] in self._types:
                    self._ended[fields["type"]].add(Status.FAILED)

    @contextmanager
    def record(self) -> Iterator[None]:
        """Measure the work on one message of a batch."""
        started = self._tick()
        try:
            yield
        finally:
            with self._lock:
                self._records += 1
                self._record_seconds += self._tick() - started

    @contextmanager
    def invocation(self) -> Iterator[None]:
        """Measure one invocation; its line is written even if it raises."""
        started = self._tick()
        try:
            yield
        finally:
            self._summarise(self._tick() - started)

    def _summarise(self, seconds: float) -> None:
        with self._lock:
            values = _values(self._counts, self._durations)
            if self._waits:
                values[_QUEUE_WAIT] = ("Milliseconds", self._waits)
            failed, records, record_seconds = self._failed, self._records, self._record_seconds
            ended = self._ended
            self._forget()
        metrics = self._embedded(values, {}, [["Stack"]])
        self._write(
            events.invocation(
                _milliseconds(seconds), records, _milliseconds(record_seconds), self._usage.taken(), metrics
            )
        )
        # A line for each type of error: a line has one value for each dimension.
        for error_type, count in failed.items():
            metrics = self._embedded(
                {Status.FAILED.metric: ("Count", count)}, {"ErrorType": error_type}, [["Stack"], ["Stack", "ErrorType"]]
            )
            self._write(events.failures(metrics))
        # The lines above count these attempts for the stack, so here is the type's own dimension alone.
        for task_type, sums in ended.items():
            metrics = self._embedded(_values(sums.counts, sums.durations), {"Type": task_type}, [["Stack", "Type"]])
            self._write(events.attempts(metrics))

    def _embedded(
        self, values: Mapping[str, tuple[str, Any]], dimensions: Mapping[str, str], sets: list[list[str]]
    ) -> dict[str, Any]:
        if not values:
            return {}
        return {
            "_aws": {
                "Timestamp": round(self._clock().timestamp() * 1000),
                "CloudWatchMetrics": [
                    {
                        "Namespace": NAMESPACE,
                        "Dimensions": sets,
                        "Metrics": [{"Name": name, "Unit": unit} for name, (unit, _) in values.items()],
                    }
                ],
            },
            "Stack": self._stack,
            **dimensions,
            **{name: value for name, (_, value) in values.items()},
        }

    def _forget(self) -> None:
        self._counts: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._durations: list[int] = []
        self._ended: defaultdict[str, _Ended] = defaultdict(_Ended)
        self._waits: list[int] = []
        self._records = 0
        self._record_seconds = 0.0


def _values(counts: Mapping[str, int], durations: list[int]) -> dict[str, tuple[str, Any]]:
    """Return the unit and the value of each metric."""
    values: dict[str, tuple[str, Any]] = {name: ("Count", count) for name, count in counts.items()}
    return values | ({_ATTEMPT_DURATION: ("Milliseconds", durations)} if durations else {})


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
