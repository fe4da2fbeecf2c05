"""Tasks in any state, with as little said as the test needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from ftask.core.model import Attempt, Failure, Lease, Status, Task
from tests.support.clock import EPOCH

TASK_ID = "0123456789abcdef0123456789abcdef"
OWNER = "owner-of-the-lease"


def a_task(**changes: Any) -> Task:
    """A task that has just been submitted, with `changes`."""
    task = Task(
        task_id=TASK_ID,
        status=Status.PENDING,
        payload='{"message":"SUCCESS"}',
        created_at=EPOCH,
        updated_at=EPOCH,
        max_attempts=2,
        expires_at=EPOCH + timedelta(days=30),
    )
    return replace(task, **changes)


def a_running_task(attempt: int = 1, **changes: Any) -> Task:
    """A task whose attempt number `attempt` has begun; its lease ends 20 s after the epoch."""
    earlier = tuple(Attempt(number, 0, EPOCH, EPOCH, None, Failure("E", "before"), 2.0) for number in range(1, attempt))
    history = (*earlier, Attempt(attempt, 0, EPOCH))
    running = a_task(
        status=Status.PROCESSING,
        attempts=attempt,
        lease=Lease(OWNER, EPOCH + timedelta(seconds=20)),
        history=history,
    )
    return replace(running, **changes)
