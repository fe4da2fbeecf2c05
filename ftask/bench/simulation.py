"""Run the protocol over virtual time: the core's executor, rules and workload, without AWS and without waiting.

Tasks do not affect each other, so each has its own table, queue and clock.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import astuple, dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from ftask.bench import stats
from ftask.bench.expectation import Expectation
from ftask.core.codec import encode_message
from ftask.core.execution import Executor
from ftask.core.memory import TaskInMemory
from ftask.core.model import Delivery, Message, Status, Task
from ftask.core.workload import simulated

_START = datetime(2026, 1, 1, tzinfo=UTC)
_TIMEOUT = timedelta(seconds=20)
_TASK_ID = "0" * 32
# A task that has not ended after this many deliveries is a bug: an attempt takes one, or two if it came too early.
_MAX_DELIVERIES_PER_ATTEMPT = 3
# The tasks that one process simulates at a time.
_CHUNK = 5_000


@dataclass(frozen=True)
class Cell:
    """The sums over `tasks` simulated tasks with the same settings; without any, the closed forms alone."""

    expectation: Expectation
    tasks: int = 0
    failed: int = 0
    attempts: int = 0
    backoff_seconds: float = 0.0
    backoff_squares: float = 0.0

    def __add__(self, other: Cell) -> Cell:
        sums = zip(astuple(self)[1:], astuple(other)[1:], strict=True)
        return Cell(self.expectation, *(mine + theirs for mine, theirs in sums))

    @property
    def failed_share(self) -> float:
        return self.failed / self.tasks

    @property
    def mean_attempts(self) -> float:
        return self.attempts / self.tasks

    @property
    def mean_backoff_seconds(self) -> float:
        return self.backoff_seconds / self.tasks

    def p_values(self) -> tuple[float, float, float]:
        """Return how surprising the share of failed tasks, the failed attempts and the mean backoff are."""
        share = stats.binomial_test(self.failed, self.tasks, self.expectation.failed_share)
        # All attempts failed except the last one of each completed task.
        failed_attempts = self.attempts - (self.tasks - self.failed)
        rate = stats.binomial_test(failed_attempts, self.attempts, self.expectation.rate)
        variance = self.backoff_squares / self.tasks - self.mean_backoff_seconds**2
        deviation = abs(self.mean_backoff_seconds - self.expectation.mean_backoff_seconds)
        if variance <= 0:
            return share, rate, 1.0 if deviation < 1e-9 else 0.0
        z = deviation / (variance / self.tasks) ** 0.5
        return share, rate, 2 * (1 - stats.NORMAL.cdf(z))

    def json(self) -> dict[str, Any]:
        """Return the closed forms and, of a cell that was simulated, what the simulation gave."""
        expected = self.expectation
        value = {"errorRate": expected.rate, "maxAttempts": expected.max_attempts, "expected": _figures(expected)}
        if self.tasks:
            p_values = dict(zip(("failedShare", "attemptErrorRate", "backoff"), self.p_values(), strict=True))
            value["simulated"] = {"tasks": self.tasks, **_figures(self), "pValues": p_values}
        return value


def _figures(of: Expectation | Cell) -> dict[str, float]:
    return {
        "failedShare": of.failed_share,
        "meanAttempts": of.mean_attempts,
        "meanBackoffSeconds": of.mean_backoff_seconds,
    }


@dataclass
class _VirtualClock:
    """A clock that moves where it is set."""

    now: datetime = _START

    def __call__(self) -> datetime:
        return self.now


def simulate(expectation: Expectation, tasks: int, seed: int) -> Cell:
    """Simulate `tasks` tasks with these settings; the same seed returns the same cell.

    Raises:
        AssertionError: a task does not end, or has not as many dead letters as its status requires.
    """
    rng = Random(seed)  # noqa: S311 - a seed repeats the simulation, no secret
    body = encode_message(Message(_TASK_ID))
    new = Task(_TASK_ID, Status.PENDING, "{}", _START, _START, expectation.max_attempts, _START)
    delivery = Delivery("m", "r", body)
    failed = attempts = 0
    total = squares = 0.0
    for _ in range(tasks):
        clock = _VirtualClock()
        memory = TaskInMemory(new, clock)
        executor = memory.executor(simulated(expectation.rate, rng), expectation.policy, rng)
        _run(executor, memory, clock, delivery)
        task = memory.task
        waited = sum(attempt.backoff_seconds or 0.0 for attempt in task.history)
        failed += task.status is Status.FAILED
        attempts += task.attempts
        total += waited
        squares += waited * waited
    return Cell(expectation, tasks, failed, attempts, total, squares)


def sweep(expectations: Sequence[Expectation], tasks: int, seed: int) -> Iterator[tuple[int, Cell]]:
    """Simulate `tasks` tasks of each expectation on all processors; yield parts of cells with their index."""
    jobs = [
        (index, expectation, min(_CHUNK, tasks - start), seed + 1_000_003 * index + start)
        for index, expectation in enumerate(expectations)
        for start in range(0, tasks, _CHUNK)
    ]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        try:
            yield from processes.map(_job, jobs)
        except KeyboardInterrupt:
            processes.shutdown(wait=True, cancel_futures=True)
            raise


def _job(job: tuple[int, Expectation, int, int]) -> tuple[int, Cell]:
    index, expectation, tasks, seed = job
    return index, simulate(expectation, tasks, seed)


def _run(executor: Executor, memory: TaskInMemory, clock: _VirtualClock, delivery: Delivery) -> None:
    for _ in range(_MAX_DELIVERIES_PER_ATTEMPT * memory.task.max_attempts):
        if executor.execute(delivery, clock.now + _TIMEOUT):
            break
        clock.now = max(clock.now, memory.visible_at or clock.now)
    else:
        raise AssertionError(f"a simulated task has not ended: {memory.task}")
    if memory.letters != (memory.task.status is Status.FAILED):
        raise AssertionError(f"{memory.letters} dead letters for a task that is {memory.task.status}")
