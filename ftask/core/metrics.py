"""What each invocation did, summed up in a line of the log that CloudWatch reads as metrics too.

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
    EventName.IGNORED: "DuplicatesIgnored",
    EventName.LEASE_LOST: "LeasesLost",
    EventName.MALFORMED: "Malformed",
    EventName.SKIPPED: "FiringsSkipped",
    EventName.WORKER_LOST: "WorkersLost",
}
_ATTEMPT_DURATION = "AttemptDuration"
_QUEUE_WAIT = "QueueWait"
# Tasks that a worker handed back although they were due.
_HANDED_BACK = "HandedBack"
# Seconds that the task had been due which had waited longest of those that a worker met, whether it ran or was handed
# back. Less is nothing to be told of.
_OLDEST_DUE = "OldestDue"
_OLDEST_DUE_SECONDS = 60
# The sets of dimensions under which values are published.
_BY_STACK, _BY_ERROR, _BY_TYPE = ["Stack"], ["Stack", "ErrorType"], ["Stack", "Type"]
_ENDS = {status.metric for status in Status if status.metric}
METRICS = frozenset({*_COUNTED.values(), *_ENDS, _ATTEMPT_DURATION, _QUEUE_WAIT, _HANDED_BACK, _OLDEST_DUE})


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
        # As CloudWatch charges for each byte: 1, not 1.0.
        return {name: _short(value) for name, value in counts.items() if value}


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
            if name in (EventName.FINISHED, EventName.POSTPONED) and fields["waitMs"] is not None:
                self._due_ms.append(fields["waitMs"])
                if name is EventName.POSTPONED:
                    self._counts[_HANDED_BACK] += 1
            if name is EventName.FINISHED:
                if fields["waitMs"] is not None:
                    self._waits.append(fields["waitMs"])
                self._durations.append(fields["durationMs"])
                status = Status(fields["status"])
                if status is Status.FAILED:
                    self._failed[_dimension(str(fields["errorType"]))] += 1
                elif status.metric:
                    self._counts[status.metric] += 1
                self._end(fields["type"], status, fields["durationMs"])
            if name is EventName.WORKER_LOST:
                self._failed[WORKER_LOST] += 1
                self._end(fields["type"], Status.FAILED)

    def _end(self, task_type: str, status: Status, duration_ms: int | None = None) -> None:
        if task_type in self._types:
            self._ended[task_type].add(status, duration_ms)

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
        """Measure one invocation; its sums are written even if it raises."""
        started = self._tick()
        try:
            yield
        finally:
            self._summarise(self._tick() - started)

    def forget_usage(self) -> None:
        """Leave the calls so far out of the next invocation's sums."""
        self._usage.taken()

    def _summarise(self, seconds: float) -> None:
        with self._lock:
            values = _values(self._counts, self._durations)
            if self._waits:
                values[_QUEUE_WAIT] = self._waits
            if (seconds_due := max(self._due_ms, default=0) // 1000) >= _OLDEST_DUE_SECONDS:
                values[_OLDEST_DUE] = seconds_due
            failed, records, record_seconds = self._failed, self._records, self._record_seconds
            ended = self._ended
            self._forget()
        self._write(
            events.invocation(
                _milliseconds(seconds),
                records,
                _milliseconds(record_seconds),
                _billed(self._usage.taken()),
                self._embedded(values, {}, [_BY_STACK]),
            )
        )
        # A line has one value for each dimension.
        for error_type, count in failed.items():
            value = {Status.FAILED.metric: count}
            self._write(events.failures(self._embedded(value, {"ErrorType": error_type}, [_BY_STACK, _BY_ERROR])))
        # The lines above count these attempts for the stack, so here is the type's own dimension alone.
        for task_type, attempts in ended.items():
            values = _values(attempts.counts, attempts.durations)
            self._write(events.attempts(self._embedded(values, {"Type": task_type}, [_BY_TYPE])))

    def _embedded(
        self, values: Mapping[str, Any], dimensions: Mapping[str, str], sets: list[list[str]]
    ) -> dict[str, Any]:
        """Return the fields that make CloudWatch publish the values under these sets of dimensions."""
        if not values:
            return {}
        directive = {"Namespace": NAMESPACE, "Dimensions": sets, "Metrics": [{"Name": name} for name in values]}
        return {
            "_aws": {"Timestamp": round(self._clock().timestamp() * 1000), "CloudWatchMetrics": [directive]},
            "Stack": self._stack,
            **dimensions,
            **{name: value[0] if _is_single(value) else value for name, value in values.items()},
        }

    def _forget(self) -> None:
        self._counts: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._durations: list[int] = []
        self._ended: defaultdict[str, _Ended] = defaultdict(_Ended)
        self._waits: list[int] = []
        self._due_ms: list[int] = []
        self._records = 0
        self._record_seconds = 0.0


def _values(counts: Mapping[str, int], durations: list[int]) -> dict[str, Any]:
    """Return the value of each metric, or its values."""
    return {**counts, **({_ATTEMPT_DURATION: durations} if durations else {})}


def _dimension(text: str) -> str:
    """Return `text` as the value of a dimension: CloudWatch drops every metric of a line in which one is not ASCII.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
    """
    return text.encode("ascii", "backslashreplace").decode().lstrip(":").strip() or "Exception"


def _billed(used: dict[str, Any]) -> dict[str, Any]:
    """Return what AWS bills of this usage: DynamoDB by units, SQS by requests."""
    units = {name: value for name, value in used.items() if name != "calls"}
    sqs_calls = sum(count for operation, count in used.get("calls", {}).items() if operation.startswith("sqs."))
    return units | ({"sqsCalls": sqs_calls} if sqs_calls else {})


def _is_single(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1


def _short(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
