"""The tasks that failed last: what the worker has logged and what the index of failed tasks holds, as one list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from ftask.core.failed_index import FailedTask
from ftask.ops.top import FailedAttempt

# How far apart the log and the item may say that one attempt ended.
_CLOCKS_DIFFER = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class RecentFailure:
    """The newest failed attempt of a task. `final` says whether the task FAILED with it; else it was to be retried."""

    task_id: str
    type: str
    at: datetime
    attempt: int
    error: str
    final: bool

    @classmethod
    def of(cls, task: FailedTask) -> RecentFailure:
        """Return the last attempt of a task that failed."""
        return cls(task.task_id, task.type, task.failed_at, task.attempts, task.text, final=True)


def recent_failures(attempts: Iterable[FailedAttempt], failed: Iterable[FailedTask]) -> list[RecentFailure]:
    """Return each task of both once, with its newest failed attempt; the newest task first."""
    newest = {task.task_id: RecentFailure.of(task) for task in failed}
    for attempt in attempts:
        known = newest.get(attempt.task_id)
        # Of one attempt, the index knows the whole error, at about the time of the log.
        is_known = known is not None and (attempt.at <= known.at or _are_same(attempt, known))
        if not is_known:
            newest[attempt.task_id] = RecentFailure(
                attempt.task_id, attempt.type, attempt.at, attempt.attempt, attempt.error, attempt.final
            )
    return sorted(newest.values(), key=lambda failure: failure.at, reverse=True)


def _are_same(attempt: FailedAttempt, known: RecentFailure) -> bool:
    is_near = abs(attempt.at - known.at) < _CLOCKS_DIFFER
    return attempt.final and known.final and attempt.attempt == known.attempt and is_near
