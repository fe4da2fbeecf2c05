"""What `ftask top` shows: one snapshot after the other, from as few requests as tell the story."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.events import EventName
from ftask.core.model import Status
from ftask.core.timestamps import now, to_iso
from ftask.ops import consumption
from ftask.ops.info import oldest_seconds
from ftask.ops.logs import Event, EventFilter, LogReader, groups_of
from ftask.ops.scan import scan

# How much of the past the sparklines tell, in snapshots.
PAST = 120
RECENT_FAILURES = 50
# Counting tasks by state reads the whole table: it may take this share of the time at the most.
SCAN_SHARE = 0.05
# Lambda's metrics come by the minute.
METRIC_PERIOD = timedelta(minutes=5)


@dataclass(frozen=True)
class Failed:
    """One failed attempt, as the worker logged it. `final` if the task ended with it."""

    at: datetime
    task_id: str
    attempt: int
    error: str
    final: bool


@dataclass(frozen=True)
class Snapshot:
    """The state of a stage at one moment. Rates are per second since the snapshot before."""

    at: datetime
    consuming: str
    waiting: int
    in_flight: int
    oldest_seconds: float | None
    dead_letters: int
    completed_rate: float
    failed_attempts_rate: float
    worker_errors: int
    throttles: int
    states: dict[str, int]
    states_at: datetime
    failures: tuple[Failed, ...]

    def json(self) -> dict[str, Any]:
        return {
            "at": to_iso(self.at),
            "consuming": self.consuming,
            "waiting": self.waiting,
            "inFlight": self.in_flight,
            "oldestSeconds": self.oldest_seconds,
            "deadLetters": self.dead_letters,
            "completedPerSecond": round(self.completed_rate, 2),
            "failedAttemptsPerSecond": round(self.failed_attempts_rate, 2),
            "workerErrors": self.worker_errors,
            "throttles": self.throttles,
            "states": self.states,
            "statesAt": to_iso(self.states_at),
        }


@dataclass
class Board:
    """Takes snapshots."""

    stage: Stage
    clock: Callable[[], float] = time.monotonic
    failures: deque[Failed] = field(default_factory=lambda: deque(maxlen=RECENT_FAILURES))
    _states: dict[str, int] = field(default_factory=dict)
    _states_at: datetime = field(default_factory=now)
    _scan_again_at: float = 0.0
    _looked_at: float | None = None
    _lost: int = 0

    def __post_init__(self) -> None:
        groups = groups_of(self.stage.outputs, ("worker",))
        self._log = LogReader(self.stage.target, groups, EventFilter(), now())

    def snapshot(self) -> Snapshot:
        """Look once.

        Raises:
            FtaskError: AWS cannot be asked.
        """
        moment, tick = now(), self.clock()
        seconds = max(0.001, tick - self._looked_at) if self._looked_at is not None else None
        self._looked_at = tick
        ends = self._read_log()
        outputs = self.stage.outputs
        waiting, in_flight = self.stage.counts(outputs.queue_url)
        letters = sum(self.stage.counts(outputs.dead_letter_queue_url))
        with translate_aws_errors():
            oldest = oldest_seconds(self.stage.target, outputs.queue_url)
            errors, throttles = self._metric("Errors"), self._metric("Throttles")
        self._count_states(tick)
        return Snapshot(
            at=moment,
            consuming=consumption.state(self.stage),
            waiting=waiting,
            in_flight=in_flight,
            oldest_seconds=oldest,
            dead_letters=letters,
            completed_rate=ends[Status.COMPLETED] / seconds if seconds else 0.0,
            failed_attempts_rate=(ends[Status.RETRYING] + ends[Status.FAILED]) / seconds if seconds else 0.0,
            # CloudWatch knows of every error, and late; the worker's own log of its own, at once.
            worker_errors=max(errors, self._lost),
            throttles=throttles,
            states=dict(self._states),
            states_at=self._states_at,
            failures=tuple(reversed(self.failures)),
        )

    def _read_log(self) -> Counter[str]:
        ends: Counter[str] = Counter()
        for event in self._log.look():
            if event.name == EventName.FINISHED:
                ends[str(event.fields.get("status"))] += 1
            if event.name in (EventName.INFRASTRUCTURE_FAILED, EventName.WORKER_LOST):
                self._lost += 1
            failed = _failed(event)
            if failed is not None:
                self.failures.append(failed)
        return ends

    def _metric(self, name: str) -> int:
        moment = now()
        points = self.stage.target.cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": self.stage.outputs.worker_function}],
            StartTime=moment - METRIC_PERIOD,
            EndTime=moment,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return round(sum(point["Sum"] for point in points))

    def _count_states(self, tick: float) -> None:
        if tick < self._scan_again_at:
            return
        counts: Counter[str] = Counter()
        for page in scan(self.stage, projection="status"):
            counts.update(item["status"]["S"] for item in page.items)
        self._states = {str(status): counts[status] for status in Status if counts[status]}
        self._states_at = now()
        ended = self.clock()
        self._scan_again_at = ended + (ended - tick) / SCAN_SHARE


def _failed(event: Event) -> Failed | None:
    fields = event.fields
    lost = event.name == EventName.WORKER_LOST
    if event.task_id is None or not (lost or (event.name == EventName.FINISHED and fields.get("errorType"))):
        return None
    error = (
        "WorkerLost" if lost else ": ".join(str(fields[key]) for key in ("errorType", "errorMessage") if key in fields)
    )
    return Failed(
        event.at, event.task_id, int(fields.get("attempt", 0)), error, lost or fields.get("status") == "FAILED"
    )
