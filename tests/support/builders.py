"""Tasks in any state, with as little said as the test needs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from ftask.core.model import Attempt, Failure, Lease, Outcome, Removal, RemovalKind, Status, Task, Unique
from ftask.core.payload_item import payload_item_of
from tests.support.clock import EPOCH

TASK_ID = "0123456789abcdef0123456789abcdef"
OWNER = "owner-of-the-lease"
LARGE_PAYLOAD = f'{{"message":"SUCCESS","text":"{"żółć" * 200}"}}'


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


def a_large_task(payload: str | None = LARGE_PAYLOAD, **changes: Any) -> Task:
    """The same with a payload that is an item of its own; None: as it is read without it."""
    kept = payload_item_of(payload or LARGE_PAYLOAD, EPOCH, timedelta(days=30))
    return a_task(payload=payload, payload_item=kept, **changes)


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


def a_full_task(**changes: Any) -> Task:
    """A task in which no field but `payload_item` has its default: more than any task of the protocol has at once."""
    full = a_task(
        status=Status.FAILED,
        type="send_invoice",
        attempts=2,
        epoch=3,
        payload_hash="ab" * 16,
        group="customer-42",
        tags={"customer": "42"},
        unique=Unique("unique#a", None, EPOCH),
        lease=Lease("owner", EPOCH),
        next_attempt_at=EPOCH + timedelta(milliseconds=1),
        last_error=Failure("ValueError", "no ünïcode 🎉"),
        history=(
            Attempt(1, 3, EPOCH, EPOCH, Outcome.FAILED, Failure("E", "m"), 2.5, 9, uncounted=True),
            Attempt(2, 3, EPOCH),
        ),
        result='{"a":1}',
        completed_at=EPOCH,
        failed_at=EPOCH,
        cancelled_at=EPOCH,
        cancel_requested_at=EPOCH,
        unknown_since=EPOCH,
        scheduled_at=EPOCH,
        removal=Removal(RemovalKind.DISCARDED, EPOCH, "arn:aws:iam::123456789012:user/ops"),
    )
    return replace(full, **changes)
