"""Reschedule: change when the next attempt of a waiting task begins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ftask.core import expiry, transitions
from ftask.core.model import Task
from ftask.core.ports import Clock, Queue, Store


@dataclass(frozen=True, slots=True)
class Rescheduler:
    """Reschedules tasks; `retention` is how long an item is kept after its last change."""

    store: Store
    queue: Queue
    clock: Clock
    retention: timedelta

    def reschedule(self, task: Task, due: datetime | None) -> Task | None:
        """Have the next attempt of a waiting task begin at `due`, None: at once; return the task.

        None if the task does not wait any more as it was read. Safe to repeat: the message is sent after the write, so
        an interruption between them leaves a task that is late, which a repetition or `ftask doctor --fix` sends. The
        message or the schedule of the earlier time does no harm: a worker that gets it finds the new time.
        """
        now = self.clock()
        after = expiry.with_lasting_payload(transitions.rescheduled(task, due, now), now, self.retention)
        after = expiry.kept(after, now, self.retention)
        if self.store.reschedule(after) is not None:
            return None
        self.queue.send(after.message)
        return after
