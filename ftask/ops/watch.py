"""Follow tasks to their end with few reads: one request reads a hundred tasks."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from ftask.aws import polling
from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.client.errors import UnknownTaskError
from ftask.core.dynamodb import DynamoStore
from ftask.core.model import Status, Task
from ftask.core.timestamps import to_iso
from ftask.ops.pace import Pace
from ftask.ops.watched_tasks import WatchedTasks
from ftask.selection.error_kinds import error_kind

AWS_ROUND_SECONDS = 1.0
EMULATOR_ROUND_SECONDS = 0.3
# Tasks that are still open take this long until they are read again: at most five requests a second.
SECONDS_PER_THOUSAND = 2.0
# After so long the pauses grow with the wait, to three times their length: who has waited for minutes can wait seconds.
FAST_SECONDS = 60.0
MAX_SLOWNESS = 3.0
# Tasks of one read: few enough that a picture of many tasks moves every second or two.
TASKS_PER_READ = 500
# More kinds of error than a person reads share one line.
MAX_ERROR_KINDS = 50
OTHER_ERRORS = "other errors"


@dataclass(frozen=True)
class WaitProgress:
    """How far tasks have come.

    `states` counts those that were read, `errors` counts by kind of error those that failed, and `retrying` those that
    will be tried again. `per_second` counts ended tasks; `seconds_left` is an estimate, None at the beginning.
    """

    total: int
    states: Counter[Status]
    errors: Counter[str]
    retrying: Counter[str]
    seconds: float
    per_second: float
    seconds_left: float | None

    @property
    def ended(self) -> int:
        """How many tasks have ended."""
        return sum(count for status, count in self.states.items() if status.terminal)

    @property
    def unread(self) -> int:
        """How many tasks have not been read yet."""
        return self.total - sum(self.states.values())


@dataclass
class Watcher:
    """Reads `tasks` again and again until all have ended."""

    target: Target
    table: str
    tasks: WatchedTasks
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    tasks_per_read: int = TASKS_PER_READ
    # When the first of the failed tasks failed.
    first_failed_at: datetime | None = None
    # The task that was last seen to change.
    last_changed: Task | None = None
    _states: Counter[Status] = field(default_factory=Counter)
    _errors: Counter[str] = field(default_factory=Counter)
    _retrying: Counter[str] = field(default_factory=Counter)
    _pause_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._begun = self.clock()
        self._pace = Pace(self._begun)

    def rounds(self, timeout_seconds: float | None = None) -> Iterator[list[Task]]:
        """Yield after each read the tasks that have changed since the read before, or were read for the first time.

        First every task is read once. Then the open ones are read in turns, without a pause where it finds them ended.
        It ends when every task has ended or, with some still open, when `timeout_seconds` have passed.

        Raises:
            UnknownTaskError: a task does not exist.
        """
        unread = len(self.tasks)
        for _ in polling.rounds(lambda: self._pause_seconds, timeout_seconds, sleep=self.sleep, clock=self.clock):
            if unread:
                begun = self.clock()
                while unread:
                    task_ids = self.tasks.next_open(self.tasks_per_read)
                    unread -= len(task_ids)
                    yield self._read(task_ids)
                # What ended before the wait says nothing about the speed; what ends from its first read on is found
                # later.
                self._pace = Pace(begun)
            else:
                yield self._read(self.tasks.next_open(self.tasks_per_read))
            if not self.tasks.open_count:
                return

    @property
    def progress(self) -> WaitProgress:
        """How far the tasks have come, as far as the reads so far show."""
        return WaitProgress(
            total=len(self.tasks),
            states=+self._states,
            errors=+self._errors,
            retrying=+self._retrying,
            seconds=self.clock() - self._begun,
            per_second=self._pace.per_second,
            seconds_left=self._pace.seconds_left(self.tasks.open_count),
        )

    def _read(self, task_ids: list[str]) -> list[Task]:
        store = DynamoStore(lambda: self.target.dynamodb, self.table)
        open_before = self.tasks.open_count
        with translate_aws_errors():
            read = {task.task_id: task for task in store.get_many(task_ids)}
            if missing := [task_id for task_id in task_ids if task_id not in read]:
                # The cheap read may miss a task that was accepted a moment ago; this one is consistent.
                read |= {task.task_id: task for task in store.get_many(missing, consistent=True)}
        for task_id in task_ids:
            if task_id not in read:
                raise UnknownTaskError(task_id)
        changed = [task for task in map(read.__getitem__, task_ids) if self._note(task)]
        self.last_changed = changed[-1] if changed else self.last_changed
        self._pace.add(self.clock(), open_before - self.tasks.open_count)
        still_open = sum(not task.status.terminal for task in read.values())
        share = len(task_ids) / max(1, open_before)
        pause = round_seconds(self.target, 0) * share + _seconds_to_spare(still_open)
        self._pause_seconds = pause * min(MAX_SLOWNESS, max(1.0, (self.clock() - self._begun) / FAST_SECONDS))
        return changed

    def _note(self, task: Task) -> bool:
        """Count the task as it is now; return whether it has changed."""
        kind = None
        if task.last_error is not None and task.status in (Status.RETRYING, Status.FAILED):
            kind = self._kind(error_kind(task.last_error))
        before = self.tasks.put(task, kind)
        if before.status is not None:
            self._states[before.status] -= 1
        if before.error_kind is not None:
            self._retrying[before.error_kind] -= 1
        self._states[task.status] += 1
        if kind is not None:
            (self._errors if task.status is Status.FAILED else self._retrying)[kind] += 1
        if task.status is Status.FAILED and task.failed_at is not None:
            self.first_failed_at = min(self.first_failed_at or task.failed_at, task.failed_at)
        return before.updated_at != to_iso(task.updated_at)

    def _kind(self, kind: str) -> str:
        known = kind in self._errors or kind in self._retrying
        return kind if known or len(self._errors.keys() | self._retrying.keys()) < MAX_ERROR_KINDS else OTHER_ERRORS


def round_seconds(target: Target, open_tasks: int) -> float:
    """Return how long to wait before `open_tasks` tasks are read again."""
    base = target.choose(aws=AWS_ROUND_SECONDS, emulator=EMULATOR_ROUND_SECONDS)
    return base + _seconds_to_spare(open_tasks)


def _seconds_to_spare(open_tasks: int) -> float:
    return SECONDS_PER_THOUSAND * open_tasks / 1000
