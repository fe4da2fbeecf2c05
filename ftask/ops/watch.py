"""Follow tasks to their end with few reads: one request reads a hundred tasks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ftask.aws import polling
from ftask.aws.api import UnknownTaskError
from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.dynamodb import DynamoStore
from ftask.core.model import Task

AWS_ROUND_SECONDS = 1.0
EMULATOR_ROUND_SECONDS = 0.3
# Many tasks are read less often than few.
SECONDS_PER_THOUSAND = 2.0


@dataclass
class Watcher:
    """Reads the tasks of `task_ids` again and again until all have ended."""

    target: Target
    table: str
    task_ids: Sequence[str]
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    _tasks: dict[str, Task] = field(default_factory=dict)

    def rounds(self, timeout_seconds: float | None = None) -> Iterator[Mapping[str, Task]]:
        """Yield after each read all tasks as last seen, in the order of `task_ids`.

        Ends when every task has ended or, with some still open, when `timeout_seconds` have passed.

        Raises:
            UnknownTaskError: a task does not exist.
        """
        store = DynamoStore(lambda: self.target.dynamodb, self.table)
        for _ in polling.rounds(self._pause_seconds, timeout_seconds, sleep=self.sleep, clock=self.clock):
            with translate_aws_errors():
                for task in store.get_many(self.open_ids()):
                    self._tasks[task.task_id] = task
                for task_id in self.task_ids:
                    if task_id not in self._tasks:
                        self._tasks[task_id] = self._require(store, task_id)
            yield {task_id: self._tasks[task_id] for task_id in self.task_ids}
            if not self.open_ids():
                return

    def open_ids(self) -> list[str]:
        """Return the tasks that have not ended, as far as the reads so far show."""
        tasks = self._tasks
        return [task_id for task_id in self.task_ids if task_id not in tasks or not tasks[task_id].status.terminal]

    def _pause_seconds(self) -> float:
        return round_seconds(self.target, len(self.open_ids()))

    def _require(self, store: DynamoStore, task_id: str) -> Task:
        # The cheap read may miss a task that was accepted a moment ago; this one is consistent.
        task = store.get(task_id)
        if task is None:
            raise UnknownTaskError(task_id)
        return task


def round_seconds(target: Target, open_tasks: int) -> float:
    """Return how long to wait before `open_tasks` tasks are read again."""
    base = target.choose(aws=AWS_ROUND_SECONDS, emulator=EMULATOR_ROUND_SECONDS)
    return base + SECONDS_PER_THOUSAND * open_tasks / 1000
