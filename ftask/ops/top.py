"""What `ftask top` shows: one snapshot of a stage after the other, each with few requests.

No snapshot reads the table, whose tasks may be millions. What is open is what the queue holds; what failed is counted
in the sparse index; how attempts ended is what the worker has logged since the first snapshot was asked for.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from ftask.aws.stage import Stage
from ftask.core.events import EventName
from ftask.core.failed_index import FailedTask
from ftask.core.model import EXPERIMENT_TYPE, WORKER_LOST, Status
from ftask.core.timestamps import now, to_iso
from ftask.ops import consumption
from ftask.ops.info import datapoints, oldest_seconds
from ftask.ops.logs import EventFilter, LogEvent, LogReader, log_groups
from ftask.selection.failed import count_failed

RECENT_FAILURES = 50
METRIC_PERIOD = timedelta(minutes=5)
# CloudWatch gets the metrics of SQS and Lambda once a minute.
METRIC_AGE_SECONDS = 30.0
# How old the number of failed tasks may get.
FAILED_AGE_SECONDS = 10.0
# How old the worker's own word may get; it is not asked while attempts end.
PROBLEM_AGE_SECONDS = 60.0
# At most this share of the time goes into reading such a value, so where that takes long, its age grows.
READING_SHARE = 0.05
# Errors of the worker itself, as it logs them.
_WORKER_ERRORS = frozenset(
    {
        EventName.INITIALISATION_FAILED,
        EventName.INFRASTRUCTURE_FAILED,
        EventName.WORKER_LOST,
        EventName.ATTEMPT_LOST,
    }
)

# How far apart the log and the item may say that one attempt ended.
_CLOCKS_DIFFER = timedelta(seconds=10)

T = TypeVar("T")


@dataclass(frozen=True)
class FailedAttempt:
    """A failed attempt, as the worker logged it or the index has it. `final` says whether the task FAILED with it."""

    at: datetime
    task_id: str
    attempt: int
    error: str
    final: bool
    type: str = EXPERIMENT_TYPE

    @classmethod
    def of(cls, task: FailedTask) -> FailedAttempt:
        """Return the last attempt of a task that is FAILED."""
        return cls(task.failed_at, task.task_id, task.attempts, task.text, final=True, type=task.type)

    def is_same_as(self, other: FailedAttempt) -> bool:
        """Whether the log and the item may tell of the same attempt: their clocks differ."""
        is_near = abs(self.at - other.at) < _CLOCKS_DIFFER
        return is_near and self.final and other.final and self.attempt == other.attempt


def recent_failures(logged: Iterable[FailedAttempt], failed: Iterable[FailedTask]) -> list[FailedAttempt]:
    """Return each task of the log and of the index once, with its newest failed attempt; the newest task first."""
    newest = {task.task_id: FailedAttempt.of(task) for task in failed}
    for attempt in logged:
        known = newest.get(attempt.task_id)
        # Of one attempt, the index knows the whole error.
        if known is None or (attempt.at > known.at and not attempt.is_same_as(known)):
            newest[attempt.task_id] = attempt
    return sorted(newest.values(), key=lambda attempt: attempt.at, reverse=True)


@dataclass(frozen=True, slots=True)
class EndedAttempts:
    """How attempts have ended since `since`, as far as the worker's log shows it: by the state of their tasks."""

    since: datetime
    completed: int = 0
    retried: int = 0
    failed: int = 0

    def json(self) -> dict[str, Any]:
        return asdict(self) | {"since": to_iso(self.since)}


@dataclass(frozen=True)
class StageSnapshot:
    """A stage at one time. Rates are per second since the last snapshot.

    `waiting` and `in_flight` are messages of the main queue, and about as many tasks that have not ended: they wait
    for an attempt (PENDING), or run or wait for their backoff (PROCESSING, RETRYING). `failed` is how many tasks were
    FAILED and neither discarded nor drained at `failed_at`. `problem` says why no task runs, and what to do about it.
    """

    at: datetime
    consuming: str
    problem: str | None
    waiting: int
    in_flight: int
    oldest_seconds: float | None
    dead_letters: int
    completed_rate: float
    failed_attempts_rate: float
    worker_errors: int
    throttles: int
    failed: int
    failed_at: datetime
    ended: EndedAttempts
    failures: tuple[FailedAttempt, ...]

    def json(self) -> dict[str, Any]:
        return {
            "at": to_iso(self.at),
            "consuming": self.consuming,
            "problem": self.problem,
            "waiting": self.waiting,
            "inFlight": self.in_flight,
            "oldestSeconds": self.oldest_seconds,
            "deadLetters": self.dead_letters,
            "completedPerSecond": round(self.completed_rate, 2),
            "failedAttemptsPerSecond": round(self.failed_attempts_rate, 2),
            "workerErrors": self.worker_errors,
            "throttles": self.throttles,
            "failed": self.failed,
            "failedAt": to_iso(self.failed_at),
            "endedAttempts": self.ended.json(),
        }


class _Kept(Generic[T]):
    """A value that is read again once it is older than `age_seconds`, or later where reading it takes long."""

    def __init__(self, read: Callable[[], T], age_seconds: float, clock: Callable[[], float]) -> None:
        self._read = read
        self._age_seconds = age_seconds
        self._clock = clock
        self._latest: tuple[T, datetime] | None = None
        self._again_at = 0.0

    def get(self) -> tuple[T, datetime]:
        """Return the value, and when it was read."""
        started = self._clock()
        if self._latest is None or started >= self._again_at:
            at = now()
            self._latest = self._read(), at
            self._again_at = started + max(self._age_seconds, (self._clock() - started) / READING_SHARE)
        return self._latest


class StageSampler:
    """Takes snapshots of a stage, one at a time.

    With a `task_type`, attempts, failures and failed tasks are those of this type; all types share the queues.
    """

    def __init__(self, stage: Stage, task_type: str | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.stage = stage
        self.task_type = task_type
        self._clock = clock
        self._last_tick: float | None = None
        self._since = now()
        self._ended: Counter[str] = Counter()
        self._log = LogReader(
            stage.target, log_groups(stage.outputs, ("worker",)), EventFilter(type=task_type), self._since
        )
        self._logged_errors = 0
        self._failures: deque[FailedAttempt] = deque(maxlen=RECENT_FAILURES)
        self._failed = _Kept(lambda: count_failed(stage, task_type), FAILED_AGE_SECONDS, clock)
        self._metrics = _Kept(self._read_metrics, METRIC_AGE_SECONDS, clock)
        self._problem = _Kept(
            lambda: consumption.why_no_task_runs(stage, consumption.ENABLED), PROBLEM_AGE_SECONDS, clock
        )

    def snapshot(self) -> StageSnapshot:
        """Take one snapshot."""
        at, tick = now(), self._clock()
        seconds = max(0.001, tick - self._last_tick) if self._last_tick is not None else None
        self._last_tick = tick
        events = self._log.look()
        ended = _ended(events)
        self._ended += ended
        self._failures.extend(filter(None, map(_failed_attempt, events)))
        self._logged_errors += sum(event.name in _WORKER_ERRORS for event in events)
        queue = self.stage.queue_depth()
        state = consumption.state(self.stage)
        asks = state == consumption.ENABLED and not ended
        (oldest, errors, throttles), _ = self._metrics.get()
        failed, failed_at = self._failed.get()
        return StageSnapshot(
            at=at,
            consuming=state,
            problem=self._problem.get()[0] if asks else None,
            waiting=queue.visible,
            in_flight=queue.in_flight,
            oldest_seconds=oldest,
            dead_letters=self.stage.dead_letter_depth().total,
            completed_rate=ended[Status.COMPLETED] / seconds if seconds else 0.0,
            failed_attempts_rate=(ended[Status.RETRYING] + ended[Status.FAILED]) / seconds if seconds else 0.0,
            # CloudWatch counts every error, some minutes late; the worker logs at once those that it sees itself.
            worker_errors=max(errors, self._logged_errors),
            throttles=throttles,
            failed=failed,
            failed_at=failed_at,
            ended=EndedAttempts(
                self._since, *(self._ended[status] for status in (Status.COMPLETED, Status.RETRYING, Status.FAILED))
            ),
            failures=tuple(reversed(self._failures)),
        )

    def _read_metrics(self) -> tuple[float | None, int, int]:
        errors, throttles = (
            sum(datapoints(self.stage, "AWS/Lambda", metric, METRIC_PERIOD, "Sum"))
            for metric in ("Errors", "Throttles")
        )
        return oldest_seconds(self.stage), round(errors), round(throttles)


def _ended(events: Iterable[LogEvent]) -> Counter[str]:
    """Return how many attempts ended among these events, by the status of their tasks."""
    ended = Counter(str(event.fields.get("status")) for event in events if event.name == EventName.FINISHED)
    ended[Status.FAILED] += sum(event.name == EventName.WORKER_LOST for event in events)
    return +ended


def _failed_attempt(event: LogEvent) -> FailedAttempt | None:
    is_lost = event.name == EventName.WORKER_LOST
    has_failed = is_lost or (event.name == EventName.FINISHED and event.error is not None)
    if event.task_id is None or not has_failed:
        return None
    error = [WORKER_LOST] if is_lost or event.error is None else filter(None, (event.error.type, event.error.message))
    return FailedAttempt(
        event.at,
        event.task_id,
        int(event.fields.get("attempt", 0)),
        ": ".join(error),
        final=is_lost or event.fields.get("status") == Status.FAILED,
        type=str(event.fields.get("type", EXPERIMENT_TYPE)),
    )
