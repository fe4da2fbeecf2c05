"""Follow tasks to their end with few reads, for every command that waits: one request reads a hundred tasks."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ftask.aws.concurrency import rounds
from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.client.errors import UnknownTaskError
from ftask.core.dynamodb import BATCH_GET_KEYS, DynamoStore
from ftask.core.model import Status, Task
from ftask.core.timestamps import to_iso
from ftask.selection.error_kinds import error_kind
from ftask.submission.job import Job, LastRead

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
# Only the last seconds count for the speed: a queue speeds up as its worker gets more instances.
RECENT_SECONDS = 30.0
_MIN_ENDS_FOR_ESTIMATE = 20
# What ends in less time says nothing about the speed.
_MIN_SECONDS = 1.0


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


class Pace:
    """How fast tasks end, over the last `RECENT_SECONDS`, and how long others take at this speed."""

    def __init__(self, moment: float) -> None:
        self._ends: deque[tuple[float, int]] = deque([(moment, 0)])
        self._total = 0

    def add(self, moment: float, ended: int) -> None:
        """Note how many tasks have ended since the last note; `moment` is in seconds of one clock."""
        self._ends.append((moment, ended))
        self._total += ended
        while len(self._ends) > 2 and self._ends[0][0] < moment - RECENT_SECONDS:
            self._ends.popleft()

    @property
    def per_second(self) -> float:
        """How many tasks end in a second; 0 in the first one."""
        seconds = self._ends[-1][0] - self._ends[0][0]
        # The first note begins the time in which the others ended.
        return sum(ended for _, ended in list(self._ends)[1:]) / seconds if seconds >= _MIN_SECONDS else 0.0

    def seconds_left(self, tasks: int) -> float | None:
        """Return how long `tasks` tasks take; None until enough have ended."""
        if self._total < _MIN_ENDS_FOR_ESTIMATE or not self.per_second:
            return None
        return tasks / self.per_second


def raise_unknown(task_id: str) -> None:
    """Say that a task does not exist."""
    raise UnknownTaskError(task_id)


@dataclass
class Watcher:
    """Reads the tasks that `job` waits for again and again until all have ended. More may be added meanwhile.

    `planned` is how many there will be at least. `missing` gets the id of a task that the table does not have.
    """

    target: Target
    table: str
    job: Job
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    tasks_per_read: int = TASKS_PER_READ
    planned: int = 0
    missing: Callable[[str], None] = raise_unknown
    # When the first of the failed tasks failed.
    first_failed_at: datetime | None = None
    # The task that was last seen to change, and how many were read since then.
    last_changed: Task | None = None
    unchanged_count: int = 0
    # Requests to DynamoDB.
    requests: int = 0
    _states: Counter[Status] = field(default_factory=Counter)
    _errors: Counter[str] = field(default_factory=Counter)
    _retrying: Counter[str] = field(default_factory=Counter)
    _pause_seconds: float = 0.0

    def __post_init__(self) -> None:
        self._begun = self.clock()
        self._pace = Pace(self._begun)
        self._store = DynamoStore(lambda: self.target.dynamodb, self.table)

    def rounds(
        self, timeout_seconds: float | None = None, more_come: Callable[[], bool] = lambda: False
    ) -> Iterator[list[Task]]:
        """Yield after each read the tasks that have changed since the read before, or were read for the first time.

        First every task is read once. Then the open ones are read in turns, without a pause where it finds them ended.
        It ends when every task has ended and no `more_come` or, with some still open, when `timeout_seconds` have
        passed.

        Raises:
            UnknownTaskError: a task does not exist.
        """
        unread = self.job.open_count
        for _ in rounds(lambda: self._pause_seconds, timeout_seconds, sleep=self.sleep, clock=self.clock):
            if unread:
                begun = self.clock()
                while unread:
                    task_ids = self.job.next_open(self.tasks_per_read)
                    unread -= len(task_ids)
                    yield self._read(task_ids)
                # What ended before the wait says nothing about the speed; what ends from its first read on is found
                # later.
                self._pace = Pace(begun)
            else:
                yield self._read(self.job.next_open(self.tasks_per_read))
            if not self.job.open_count and not more_come():
                return

    @property
    def progress(self) -> WaitProgress:
        """How far the tasks have come, as far as the reads so far show."""
        total, states = max(self.planned, self.job.watched_count), +self._states
        ended = sum(count for status, count in states.items() if status.terminal)
        return WaitProgress(
            total=total,
            states=states,
            errors=+self._errors,
            retrying=+self._retrying,
            seconds=self.clock() - self._begun,
            per_second=self._pace.per_second,
            seconds_left=self._pace.seconds_left(total - ended),
        )

    def read_again(self, task_ids: Sequence[str]) -> Iterator[Task]:
        """Yield these tasks as they are now, in this order; a deleted one is left out."""
        with translate_aws_errors():
            read = {task.task_id: task for task in self._store.get_many(task_ids, consistent=True)}
        return (read[task_id] for task_id in task_ids if task_id in read)

    def _read(self, task_ids: list[str]) -> list[Task]:
        open_before = self.job.open_count
        self.requests += -(-len(task_ids) // BATCH_GET_KEYS)
        with translate_aws_errors():
            read = {task.task_id: task for task in self._store.get_many(task_ids)}
            if missing := [task_id for task_id in task_ids if task_id not in read]:
                # The cheap read may miss a task that was accepted a moment ago; this one is consistent.
                read |= {task.task_id: task for task in self._store.get_many(missing, consistent=True)}
        for task_id in task_ids:
            if task_id not in read:
                self.missing(task_id)
        changed = [read[task_id] for task_id in task_ids if task_id in read and self._note(read[task_id])]
        self.last_changed = changed[-1] if changed else self.last_changed
        self.unchanged_count = 0 if changed else self.unchanged_count + len(task_ids)
        self._pace.add(self.clock(), open_before - self.job.open_count)
        still_open = sum(not task.status.terminal for task in read.values())
        share = len(task_ids) / max(1, open_before)
        pause = round_seconds(self.target) * (share or 1) + SECONDS_PER_THOUSAND * still_open / 1000
        self._pause_seconds = pause * min(MAX_SLOWNESS, max(1.0, (self.clock() - self._begun) / FAST_SECONDS))
        return changed

    def _note(self, task: Task) -> bool:
        """Count the task as it is now; return whether it has changed."""
        kind = None
        if task.last_error is not None and task.status in (Status.RETRYING, Status.FAILED):
            kind = self._kind(error_kind(task.last_error))
        now = LastRead(task.status, kind, to_iso(task.updated_at))
        before = self.job.put(task.task_id, now)
        for read, count in ((before, -1), (now, 1)):
            if read.status is not None:
                self._states[read.status] += count
            if read.error_kind is not None:
                (self._errors if read.status is Status.FAILED else self._retrying)[read.error_kind] += count
        if task.status is Status.FAILED and task.failed_at is not None:
            self.first_failed_at = min(self.first_failed_at or task.failed_at, task.failed_at)
        return before.updated_at != now.updated_at

    def _kind(self, kind: str) -> str:
        known = kind in self._errors or kind in self._retrying
        return kind if known or len(self._errors.keys() | self._retrying.keys()) < MAX_ERROR_KINDS else OTHER_ERRORS


def round_seconds(target: Target) -> float:
    """Return how long to wait until a few open tasks are read again."""
    return target.choose(aws=AWS_ROUND_SECONDS, emulator=EMULATOR_ROUND_SECONDS)
