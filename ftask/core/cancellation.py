"""Cancel: no further attempt of a task, whatever it waits for.

A task that waits is `CANCELLED` at once, and its message is dropped when it arrives. An attempt that runs cannot be
called back, and what it does stays true: it may end `COMPLETED`, or `FAILED` if it was the last; where it would be
retried, or is found dead, the task is `CANCELLED` instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from ftask.core import transitions
from ftask.core.model import Status, Task
from ftask.core.ports import Clock, Store

# A task moves between waiting and running at each attempt; so often in a row it does not move under one command.
_TRIES = 10


class Cancellation(StrEnum):
    """What became of the wish."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"  # an attempt is running; it may end, and no other follows
    ENDED = "ended"  # it had ended before
    UNKNOWN = "unknown"  # there is no such task
    BUSY = "busy"  # it moved each time that it was looked at


@dataclass(frozen=True, slots=True)
class Canceller:
    """Cancels tasks; `retention` is how long the item outlives that."""

    store: Store
    clock: Clock
    retention: timedelta

    def cancel(self, task_id: str) -> tuple[Cancellation, Task | None]:
        """Cancel a task; safe to repeat, and at any moment. Also the task as it is then known."""
        task = self.store.get(task_id)
        for _ in range(_TRIES):
            if task is None:
                return Cancellation.UNKNOWN, None
            now = self.clock()
            if task.status is Status.CANCELLED:
                return Cancellation.CANCELLED, task
            if task.status.terminal:
                return Cancellation.ENDED, task
            if task.status is Status.PROCESSING:
                if self.store.request_cancel(task_id, now):
                    return Cancellation.REQUESTED, replace(task, cancel_requested_at=now)
                task = self.store.get(task_id)
                continue
            after = replace(transitions.cancelled(task, now), expires_at=now + self.retention)
            current = self.store.cancel(after)
            if current is None:
                return Cancellation.CANCELLED, after
            task = current
        return Cancellation.BUSY, task
