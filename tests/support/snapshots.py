"""Readings of a stage, with as little said as the test needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from ftask.core.failed_index import FailedTask
from ftask.core.model import EXPERIMENT_TYPE, Failure
from ftask.ops.top import EndedAttempts, FailedAttempt, StageSnapshot
from tests.support.clock import EPOCH


def a_snapshot(**changes: Any) -> StageSnapshot:
    """A reading of a stage that consumes, where nothing happens, with `changes`."""
    snapshot = StageSnapshot(
        at=EPOCH,
        consuming="Enabled",
        problem=None,
        waiting=0,
        in_flight=0,
        oldest_seconds=None,
        dead_letters=0,
        completed_rate=0.0,
        failed_attempts_rate=0.0,
        worker_errors=0,
        throttles=0,
        failed=0,
        failed_at=EPOCH,
        ended=EndedAttempts(EPOCH),
        failures=(),
    )
    return replace(snapshot, **changes)


def a_failed_attempt(number: int, error: str = "E: no", *, final: bool = False, seconds: float = 0) -> FailedAttempt:
    """The first attempt of a task, which failed so many seconds after the epoch."""
    return FailedAttempt(EPOCH + timedelta(seconds=seconds), f"{number:032x}", 1, error, final=final)


def a_failed_task(
    number: int, message: str = "no", *, seconds: float = 0, task_type: str = EXPERIMENT_TYPE
) -> FailedTask:
    """A task that failed with its first attempt, so many seconds after the epoch."""
    at = EPOCH + timedelta(seconds=seconds)
    return FailedTask(f"{number:032x}", 0, 1, EPOCH, at, Failure("E", message), task_type)
