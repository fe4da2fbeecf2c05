"""Cancel: no further attempt of a task begins.

A task that waits is `CANCELLED` at once, and its message is dropped when it arrives. A running attempt goes on: the
task may still end `COMPLETED`, or `FAILED` if it was the last attempt. If the attempt would be retried or its worker
died, the task is `CANCELLED` instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from ftask.core import expiry, transitions
from ftask.core.model import Status, Task
from ftask.core.ports import Clock, Store

# A task may begin or end an attempt between the read and the write of a try; ten times in a row it does not.
_TRIES = 10


class Cancellation(StrEnum):
    """What a cancel did."""

    CANCELLED = "cancelled"
    REQUESTED = "requested"  # an attempt is running; no other follows it
    ENDED = "ended"  # the task had already ended
    UNKNOWN = "unknown"  # no task has this id
    BUSY = "busy"  # the task changed at every try; cancel it again


@dataclass(frozen=True, slots=True)
class Canceller:
    """Cancels tasks; `retention` is how long the item is kept after that."""

    store: Store
    clock: Clock
    retention: timedelta

    def cancel(self, task_id: str) -> tuple[Cancellation, Task | None]:
        """Cancel a task, safe at any moment and to repeat; return what that did, and the task, None if unknown."""
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
                if self.store.request_cancel(task_id, task.epoch, now):
                    return Cancellation.REQUESTED, replace(task, cancel_requested_at=now)
                task = self.store.get(task_id)
                continue
            after = expiry.kept(transitions.cancelled(task, now), now, self.retention)
            current = self.store.cancel(after)
            if current is None:
                return Cancellation.CANCELLED, after
            task = current
        return Cancellation.BUSY, task
