"""Redrive: give a failed task a new epoch.

The message is sent first. An interruption after that can never leave a task that nobody will look
at: the worker makes the table's move itself, and the letter left behind is stale the next time.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from ftask.core import machine
from ftask.core.model import Message, Status, Task
from ftask.core.ports import Clock, Queue, Store


class Redriven(StrEnum):
    """What became of one dead letter."""

    REDRIVEN = "redriven"  # runs again; the letter may be deleted
    STALE = "stale"  # its task has moved on; the letter may be deleted
    UNSETTLED = "unsettled"  # its worker is between its two last steps; the letter stays for the next time
    UNKNOWN = "unknown"  # its task is not in the table; the letter stays, it is the last trace

    @property
    def letter_done(self) -> bool:
        return self in (Redriven.REDRIVEN, Redriven.STALE)


@dataclass(frozen=True, slots=True)
class Redriver:
    """Redrives tasks, by their dead letters or straight from the table."""

    store: Store
    queue: Queue
    clock: Clock
    retention: timedelta

    def redrive(self, letter: Message) -> Redriven:
        """Redrive the task of a dead letter. The caller deletes the letter if the answer allows it.

        Safe to repeat and to run twice at once: of two messages of the same epoch, begin lets one run.
        """
        task = self.store.get(letter.task_id)
        if task is None:
            return Redriven.UNKNOWN
        if task.epoch > letter.epoch or task.status is Status.COMPLETED:
            return Redriven.STALE
        if task.epoch < letter.epoch or task.status is not Status.FAILED:
            return Redriven.UNSETTLED
        self.redrive_failed(task)
        return Redriven.REDRIVEN

    def redrive_failed(self, task: Task) -> None:
        """Redrive a task that was read as `FAILED`, whether or not a dead letter of it still exists."""
        now = self.clock()
        self.queue.send(Message(task.task_id, task.epoch + 1))
        self.store.reopen(replace(machine.reopened(task, now), expires_at=now + self.retention))
