"""Follow tasks to their end with few reads: a hundred tasks cost one request a round."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ftask.aws.api import UnknownTaskError
from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.dynamodb import DynamoStore
from ftask.core.model import Task
from ftask.core.timestamps import now

AWS_ROUND_SECONDS = 1.0
EMULATOR_ROUND_SECONDS = 0.3
# An index of ten thousand tasks is read less often than one of ten.
SECONDS_PER_THOUSAND = 2.0


@dataclass
class Watcher:
    """Reads the tasks of `task_ids` again and again until all have ended."""

    target: Target
    table: str
    task_ids: Sequence[str]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], datetime] = now
    _tasks: dict[str, Task] = field(default_factory=dict)

    def rounds(self, deadline: datetime | None = None) -> Iterator[Mapping[str, Task]]:
        """After each read, all tasks as last seen, in the order they were asked for.

        Ends when every task has ended or, with some still open, at `deadline`.

        Raises:
            UnknownTaskError: a task does not exist.
        """
        store = DynamoStore(lambda: self.target.dynamodb, self.table)
        while True:
            with translate_aws_errors():
                for task in store.get_many(self.open_ids()):
                    self._tasks[task.task_id] = task
                for task_id in self.task_ids:
                    if task_id not in self._tasks:
                        self._tasks[task_id] = self._require(store, task_id)
            yield {task_id: self._tasks[task_id] for task_id in self.task_ids}
            remaining = len(self.open_ids())
            moment = self.clock()
            if remaining == 0 or (deadline is not None and moment >= deadline):
                return
            pause_seconds = round_seconds(self.target, remaining)
            if deadline is not None:
                pause_seconds = min(pause_seconds, max(0.0, (deadline - moment).total_seconds()))
            self.sleep(pause_seconds)

    def open_ids(self) -> list[str]:
        """The tasks that have not ended as far as is known."""
        known = self._tasks
        return [task_id for task_id in self.task_ids if task_id not in known or not known[task_id].status.terminal]

    def _require(self, store: DynamoStore, task_id: str) -> Task:
        # The cheap read may be behind a task that was accepted a moment ago; this one is not.
        task = store.get(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        return task


def round_seconds(target: Target, open_tasks: int) -> float:
    """How long to wait before so many open tasks are looked at again."""
    base = target.choose(aws=AWS_ROUND_SECONDS, emulator=EMULATOR_ROUND_SECONDS)
    return base + SECONDS_PER_THOUSAND * open_tasks / 1000
