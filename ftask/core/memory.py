"""One task in memory: the executor's table and queues, for simulations and for a run without AWS.

Nothing else touches the task, so no write is ever refused by another's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from ftask.core.execution import Executor
from ftask.core.model import Attempt, Delivery, Lease, Message, Status, Task
from ftask.core.ports import Clock, Handler, Observer, Settlement
from ftask.core.retry import RetryPolicy


@dataclass
class TaskInMemory:
    """The table, the queue and the dead-letter queue of one task: what the executor needs of each port.

    `visible_at` is when the task's message is delivered next, None before it was postponed; `letters` counts its dead
    letters.
    """

    task: Task
    clock: Clock
    visible_at: datetime | None = None
    letters: int = 0

    def begin(
        self, message: Message, owner: str, until: datetime, now: datetime, beside: int = 0
    ) -> tuple[bool, Task | None]:
        task = self.task
        backing_off = task.next_attempt_at is not None and now < task.next_attempt_at
        if not task.status.waiting or task.attempts >= task.max_attempts or backing_off:
            return False, task
        attempt = Attempt(task.attempts + 1, task.epoch, now)
        self.task = replace(
            task,
            status=Status.PROCESSING,
            attempts=attempt.number,
            lease=Lease(owner, until),
            next_attempt_at=None,
            history=(*task.history, attempt),
        )
        return True, self.task

    def with_payload(self, task: Task) -> Task:
        return task

    def settle(self, after: Task, owner: str, before: Task | None = None) -> Settlement:
        self.task = after
        return Settlement.DONE

    def postpone(self, delivery: Delivery, seconds: int) -> None:
        self.visible_at = self.clock() + timedelta(seconds=seconds)

    def send(self, body: str, attributes: Mapping[str, str]) -> None:
        self.letters += 1

    def executor(
        self, handler: Handler, policy: RetryPolicy, rng: Random, observe: Observer = lambda event: None
    ) -> Executor:
        """Return what runs the task."""
        return Executor(
            store=self,  # type: ignore[arg-type]  # the part of the store that an execution needs
            queue=self,  # type: ignore[arg-type]
            dead_letters=self,
            handler=handler,
            clock=self.clock,
            rng=rng,
            policy=policy,
            budget=timedelta(0),
            retention=timedelta(days=30),
            observe=observe,
        )
