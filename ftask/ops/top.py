"""What `ftask top` shows: one snapshot of a stage after the other, each with few requests."""

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
from ftask.core.model import EXPERIMENT_TYPE, Status
from ftask.core.timestamps import now, to_iso
from ftask.ops import consumption
from ftask.ops.info import oldest_seconds
from ftask.ops.logs import Event, EventFilter, LogReader, log_groups
from ftask.ops.scan import TaskFilter, scan_tasks

# How many snapshots the sparklines show.
PAST = 120
RECENT_FAILURES = 50
# Counting tasks by status reads the whole table: at most this share of the time goes into it.
SCAN_SHARE = 0.05
# Lambda writes its metrics once a minute.
METRIC_PERIOD = timedelta(minutes=5)


@dataclass(frozen=True)
class FailedAttempt:
    """A failed attempt, as the worker logged it. `final` says whether the task ended with it."""

    at: datetime
    task_id: str
    attempt: int
    error: str
    final: bool
    type: str = EXPERIMENT_TYPE


@dataclass(frozen=True)
class StageSnapshot:
    """A stage at one time. Rates are per second since the last snapshot."""

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
    failures: tuple[FailedAttempt, ...]

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
class StageSampler:
    """Takes snapshots of a stage.

    With a `type`, attempts, failures and states are those of tasks of this type; queues are always shared by all.
    """

    stage: Stage
    type: str | None = None
    clock: Callable[[], float] = time.monotonic
    failures: deque[FailedAttempt] = field(default_factory=lambda: deque(maxlen=RECENT_FAILURES))
    _states: dict[str, int] = field(default_factory=dict)
    _states_at: datetime = field(default_factory=now)
    _scan_again_at: float = 0.0
    _last_tick: float | None = None
    _logged_errors: int = 0

    def __post_init__(self) -> None:
        groups = log_groups(self.stage.outputs, ("worker",))
        self._log = LogReader(self.stage.target, groups, EventFilter(type=self.type), now())

    def snapshot(self) -> StageSnapshot:
        """Take one snapshot.

        Raises:
            FtaskError: AWS refused a request or cannot be reached.
        """
        at, tick = now(), self.clock()
        seconds = max(0.001, tick - self._last_tick) if self._last_tick is not None else None
        self._last_tick = tick
        attempts = self._read_log()
        queue = self.stage.queue_depth()
        with translate_aws_errors():
            oldest = oldest_seconds(self.stage)
            errors, throttles = self._metric("Errors"), self._metric("Throttles")
        self._count_states(tick)
        return StageSnapshot(
            at=at,
            consuming=consumption.state(self.stage),
            waiting=queue.visible,
            in_flight=queue.in_flight,
            oldest_seconds=oldest,
            dead_letters=self.stage.dead_letter_depth().total,
            completed_rate=attempts[Status.COMPLETED] / seconds if seconds else 0.0,
            failed_attempts_rate=(attempts[Status.RETRYING] + attempts[Status.FAILED]) / seconds if seconds else 0.0,
            # CloudWatch counts every error, some minutes late; the worker logs at once those that it sees itself.
            worker_errors=max(errors, self._logged_errors),
            throttles=throttles,
            states=dict(self._states),
            states_at=self._states_at,
            failures=tuple(reversed(self.failures)),
        )

    def _read_log(self) -> Counter[str]:
        """Return how many attempts ended since the last snapshot, by the status that they led to."""
        attempts: Counter[str] = Counter()
        for event in self._log.look():
            if event.name == EventName.FINISHED:
                attempts[str(event.fields.get("status"))] += 1
            if event.name in (EventName.INFRASTRUCTURE_FAILED, EventName.WORKER_LOST, EventName.ATTEMPT_LOST):
                self._logged_errors += 1
            failed_attempt = _failed_attempt(event)
            if failed_attempt is not None:
                self.failures.append(failed_attempt)
        return attempts

    def _metric(self, name: str) -> int:
        until = now()
        points = self.stage.target.cloudwatch.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=name,
            Dimensions=[{"Name": "FunctionName", "Value": self.stage.outputs.worker_function}],
            StartTime=until - METRIC_PERIOD,
            EndTime=until,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        return round(sum(point["Sum"] for point in points))

    def _count_states(self, tick: float) -> None:
        if tick < self._scan_again_at:
            return
        counts: Counter[str] = Counter()
        for page in scan_tasks(self.stage, TaskFilter(type=self.type), projection="status"):
            counts.update(item["status"]["S"] for item in page.items)
        self._states = {str(status): counts[status] for status in Status if counts[status]}
        self._states_at = now()
        ended = self.clock()
        self._scan_again_at = ended + (ended - tick) / SCAN_SHARE


def _failed_attempt(event: Event) -> FailedAttempt | None:
    fields = event.fields
    lost = event.name == EventName.WORKER_LOST
    if event.task_id is None or not (lost or (event.name == EventName.FINISHED and fields.get("errorType"))):
        return None
    error = (
        "WorkerLost" if lost else ": ".join(str(fields[key]) for key in ("errorType", "errorMessage") if key in fields)
    )
    return FailedAttempt(
        event.at,
        event.task_id,
        int(fields.get("attempt", 0)),
        error,
        final=lost or fields.get("status") == "FAILED",
        type=str(fields.get("type", EXPERIMENT_TYPE)),
    )
