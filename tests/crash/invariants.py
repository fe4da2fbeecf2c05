"""The promises, checked: a witness sees every run of the handler and every state of the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from ftask.core.codec import MalformedMessageError, UnknownVersionError, decode_message
from ftask.core.errors import PayloadMissing
from ftask.core.model import Delivery, RemovalKind, Status, Task
from ftask.core.ports import Job
from ftask.core.transitions import MAX_UNCOUNTED_LOSSES
from tests.crash.actors import Crash
from tests.crash.cloud import Cloud


@dataclass(frozen=True)
class Run:
    """One run of the handler."""

    task_id: str
    epoch: int
    attempt: int


@dataclass
class Witness:
    """Collects violations.

    `payloads` are those of accepted tasks, by id.

    `may_overlap` and `may_be_declared_lost` are for stories in which a lease is wrong about its owner's death (a
    clock that is off, a machine that slept): then the handler does run beside another, and only the table is safe.
    """

    cloud: Cloud
    accepted: set[str] = field(default_factory=set)
    payloads: dict[str, dict[str, Any]] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    # When tasks are due that were submitted with a time, by id.
    due: dict[str, datetime] = field(default_factory=dict)
    # Types of which only one task may run at once.
    alone: set[str] = field(default_factory=set)
    may_overlap: bool = False
    may_be_declared_lost: bool = False
    _running: set[Run] = field(default_factory=set)
    # How often an attempt of this task and epoch was lost beside others: its process died, or its outcome was not
    # written.
    _lost_together: Counter[tuple[str, int] | None] = field(default_factory=Counter)
    _last_seen: dict[str, Task] = field(default_factory=dict)

    @contextmanager
    def run(self, job: Job, *, survives: bool = False) -> Iterator[None]:
        """The handler runs, until it ends or its process dies; where it `survives` that, it goes on for ever."""
        self._check_may_run(job)
        if job.payload != self.payloads.get(job.task_id, job.payload):
            self.violations.append("runs with the payload of another request")
        run = Run(job.task_id, job.epoch, job.attempt)
        self._running.add(run)
        self.runs.append(run)
        try:
            yield
        except Crash:
            if not survives:
                self._running.discard(run)
            raise
        except Exception:
            self._running.discard(run)
            raise
        self._running.discard(run)

    def starts(self, delivery: Delivery) -> int:
        """How often the handler has begun to run the task of this message, in its epoch."""
        identity = _identity(delivery.body)
        return sum(1 for run in self.runs if (run.task_id, run.epoch) == identity)

    def lost_together(self, deliveries: Iterable[Delivery]) -> None:
        """A process that had received several messages died with these, or could not write how they ended."""
        self._lost_together.update(_identity(delivery.body) for delivery in deliveries)

    def look(self) -> None:
        """Compare each accepted task with what it was: a terminal state changes only by a redrive."""
        tasks = self.cloud.tasks()
        for task_id in self.accepted:
            now, before = tasks.get(task_id), self._last_seen.get(task_id)
            if before is not None and before.status.terminal and now != before:
                failed = before.status is Status.FAILED
                redriven = failed and now is not None and now.epoch == before.epoch + 1
                removed = failed and now is not None and now == replace(before, removal=now.removal)
                kept = failed and now is not None and _kept_longer(before, now)
                if not (redriven or kept or (removed and before.removal is None)):
                    self.violations.append(f"{before.status} changed to {now.status if now else 'nothing'}")
            if now is None:
                continue
            if now.status.terminal and not self.may_be_declared_lost and self._last_attempt_runs(now):
                self.violations.append(f"ended {now.status} while its last attempt runs")
            self._last_seen[task_id] = now

    def check(self, letters: Iterable[str]) -> None:
        """What must hold once everything is quiet; `letters` are the bodies of all dead letters, drained ones too."""
        self.look()
        known = {_identity(body) for body in letters}
        tasks = self.cloud.tasks()
        for task_id in self.accepted:
            task = tasks.get(task_id)
            if task is None:
                self.violations.append("an accepted task is gone")
            elif not task.status.terminal:
                self.violations.append(f"an accepted task is stuck in {task.status}")
        if any(run.task_id not in tasks for run in self.runs):
            self.violations.append("a task that ran is gone")
        for task in tasks.values():
            if task.last_error is not None and task.last_error.type == PayloadMissing.__name__:
                self.violations.append("a task began without its payload")
            if task.removal is not None and task.removal.kind is RemovalKind.DISCARDED:
                continue
            if task.status is Status.FAILED and (task.task_id, task.epoch) not in known:
                self.violations.append("a failed task has no dead letter")

    def _check_may_run(self, job: Job) -> None:
        identity = (job.task_id, job.epoch)
        starts = sum(1 for run in self.runs if (run.task_id, run.epoch) == identity)
        uncounted = min(self._lost_together[identity], MAX_UNCOUNTED_LOSSES)
        if starts >= job.max_attempts + uncounted:
            self.violations.append(
                f"runs more than {job.max_attempts} times in epoch {job.epoch}, and {uncounted} times uncounted"
            )
        if not self.may_overlap and any(run.task_id == job.task_id for run in self._running):
            self.violations.append("runs twice at once")
        tasks = self.cloud.tasks()
        if job.type in self.alone and any(tasks[run.task_id].type == job.type for run in self._running):
            self.violations.append("runs beside the run before")
        task = tasks.get(job.task_id)
        if task is None or task.status is not Status.PROCESSING:
            self.violations.append(f"runs while {task.status if task else 'not in the table'}")
            return
        if self.due.get(job.task_id, self.cloud.clock()) > self.cloud.clock():
            self.violations.append("runs before it is due")
        for attempt in task.history[:-1]:
            if attempt.epoch != job.epoch or attempt.ended_at is None:
                continue
            if self.cloud.clock() < attempt.ended_at + timedelta(seconds=attempt.backoff_seconds or 0):
                self.violations.append("runs before its backoff is over")

    def _last_attempt_runs(self, task: Task) -> bool:
        return any(
            (run.task_id, run.epoch) == (task.task_id, task.epoch) and run.attempt >= task.attempts
            for run in self._running
        )


def _kept_longer(before: Task, now: Task) -> bool:
    """Whether a redrive has begun with a task whose time is nearly over."""
    return now == replace(before, expires_at=now.expires_at, payload_item=now.payload_item)


def _identity(body: str) -> tuple[str, int] | None:
    try:
        message = decode_message(body)
    except (MalformedMessageError, UnknownVersionError):
        return None
    return message.task_id, message.epoch
