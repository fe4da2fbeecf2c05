"""Experiments that never took place: tasks with the histories that a worker would have given them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from ftask.bench.analysis import analyse
from ftask.bench.cost import Setup, cost
from ftask.bench.estimate import Load
from ftask.bench.expectation import Expectation
from ftask.bench.experiment import Observed, Sent, Settings
from ftask.bench.prices import MILLION, Prices
from ftask.bench.result import Cost, Machine, Result
from ftask.bench.usage import FunctionUsage, RunUsage
from ftask.core import transitions
from ftask.core.model import Attempt, Failure, Lease, Status, Task
from ftask.core.retry import RetryPolicy
from tests.support.builders import a_task
from tests.support.clock import EPOCH

EXPECTATION = Expectation(0.3, 2, RetryPolicy())
MACHINE = Machine(
    system="Linux x86_64", cpus=2, memory_gib=24, python="3.13.1", engine="AWS", load_before=2.5, load_after=3
)


def a_history(outcomes: Iterable[bool], number: int = 0, policy: RetryPolicy = EXPECTATION.policy) -> Task:
    """The task whose attempts succeeded or failed as `outcomes` says, each begun 0.5 s after it was due."""
    outcomes = list(outcomes)
    task = a_task(task_id=f"{number:032x}", max_attempts=len(outcomes))
    moment = EPOCH
    for succeeds in outcomes:
        moment = (task.next_attempt_at or moment) + timedelta(seconds=0.5)
        task = replace(
            task,
            status=Status.PROCESSING,
            attempts=task.attempts + 1,
            lease=Lease("owner", moment + timedelta(seconds=20)),
            next_attempt_at=None,
            history=(*task.history, Attempt(task.attempts + 1, 0, moment)),
        )
        moment += timedelta(seconds=0.1)
        task = (
            transitions.completed(task, None, moment)
            if succeeds
            else transitions.failed_attempt(task, Failure("E", "by chance"), moment, policy, Random(number))
        )
    return task


def tasks(completed: int, retried: int, failed: int) -> list[Task]:
    """So many tasks that completed at once, completed at the second attempt, failed."""
    kinds = [[True]] * completed + [[False, True]] * retried + [[False, False]] * failed
    return [replace(a_history(kind, number), max_attempts=2) for number, kind in enumerate(kinds)]


# Of 1,000 tasks about what 30 % promises.
USUAL = (700, 210, 90)


def observed(
    ended: Sequence[Task], *, lost: int = 0, letters: int | None = None, stopped: str | None = None
) -> Observed:
    """The observation of these tasks and of `lost` more that were accepted and never ran."""
    gone = [f"{number:032x}" for number in range(len(ended), len(ended) + lost)]
    ids = [task.task_id for task in ended] + gone
    failed = sum(task.status is Status.FAILED for task in ended)
    return Observed(
        run_id="run",
        started_at=EPOCH,
        ended_at=EPOCH + timedelta(seconds=30),
        sent=[Sent(number, task_id, EPOCH, 0.05) for number, task_id in enumerate(ids)],
        tasks={task.task_id: task for task in ended},
        lost=frozenset(gone),
        stopped=stopped,
        dead_letters_before=7,
        dead_letters_after=7 + (failed if letters is None else letters),
        reads=3,
    )


def result(of: Observed | None = None, expectation: Expectation = EXPECTATION, cost: Cost | None = None) -> Result:
    """The result of an observation (default: the usual one)."""
    observation = observed(tasks(*USUAL)) if of is None else of
    return analyse(
        observation,
        Settings(len(observation.sent), "BENCH"),
        expectation,
        {"ErrorRate": "0.3"},
        stage="local",
        region="us-east-1",
        cost=cost,
        machine=MACHINE,
    )


def a_setup(*, memory_mb: tuple[float, float] = (256, 256), **changes: Any) -> Setup:
    """How a run on AWS was set up, with `changes`; `memory_mb` is that of the API and of the worker."""
    api_mb, worker_mb = memory_mb
    load = Load(
        tasks_per_month=MILLION,
        payload_bytes=60,
        error_rate=0.3,
        task_types=0,
        api_memory_mb=api_mb,
        worker_memory_mb=worker_mb,
    )
    return replace(Setup(load, tasks_per_request=10, emulated=False), **changes)


def a_bill() -> Cost:
    """What a run of 1,000 tasks costs."""
    usage = FunctionUsage(reported=4, billed_ms=400, records=8, records_ms=500, write_units=20, log_bytes=4000)
    bill = cost(RunUsage(usage, usage, complete=True), 1000, a_setup(), Prices())
    assert bill is not None
    return bill
