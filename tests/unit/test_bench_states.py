"""The states of the tasks over time, the errors by type, and the machine of a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from ftask.aws.target import Target
from ftask.bench.error_kinds import error_kinds
from ftask.bench.experiment import Sent
from ftask.bench.machine import describe_machine, is_busy, machine_text
from ftask.bench.result import ErrorKind, StatesAt
from ftask.bench.states import states_over_time
from ftask.core.model import WORKER_LOST, Outcome, Status, Task
from tests.support.builders import a_task
from tests.support.clock import EPOCH
from tests.support.runs import MACHINE, a_history, observed, result, tasks

STATES = tuple(status.lower() for status in Status)


def counts(at: StatesAt) -> dict[str, int]:
    """The states that some task is in."""
    return {name: getattr(at, name) for name in STATES if getattr(at, name)}


def over_time(task: Task, *seconds: float) -> list[dict[str, int]]:
    sent = (Sent(0, task.task_id, EPOCH, 0.05),)
    return [counts(at) for at in states_over_time(sent, {task.task_id: task}, EPOCH, seconds)]


def test_a_state_is_counted_for_each_status() -> None:
    assert tuple(StatesAt.model_fields) == ("second", *STATES)


def test_a_retried_task_waits_runs_waits_again_and_ends() -> None:
    # It begins at 0.5 s and fails at 0.6 s; its next attempt is due at 2.6 s, and runs from 3.1 s to 3.2 s.
    task = a_history([False, True])
    at = over_time(task, 0, 0.55, 1, 3, 3.15, 4)
    expected = ["pending", "processing", "retrying", "retrying", "processing", "completed"]
    assert at == [{state: 1} for state in expected]


def test_a_task_that_fails_for_good_does_not_wait_again() -> None:
    assert over_time(a_history([False, False]), 3.3) == [{"failed": 1}]


def test_a_task_that_was_accepted_and_never_seen_is_pending() -> None:
    sent = (Sent(0, "a", EPOCH + timedelta(seconds=1), 0.05),)
    assert [counts(at) for at in states_over_time(sent, {}, EPOCH, (0, 1, 9))] == [{}, {"pending": 1}, {"pending": 1}]


def test_a_lost_attempt_runs_until_the_next_one() -> None:
    first, second = a_history([False, True]).history
    lost = replace(first, outcome=Outcome.LOST, ended_at=None, error=None, backoff_seconds=None)
    task = replace(a_history([False, True]), history=(lost, second))
    assert over_time(task, 1, 3.15, 4) == [{"processing": 1}, {"processing": 1}, {"completed": 1}]


def test_a_worker_whose_clock_is_behind_changes_no_order() -> None:
    # By the worker's clock it runs at 0.5 s and ends at 0.6 s, by the client's it is sent at 5 s.
    task = a_history([True])
    sent_at = EPOCH + timedelta(seconds=5)
    sent = (Sent(0, task.task_id, sent_at, 0.05),)
    tasks_seen = {task.task_id: replace(task, created_at=sent_at)}
    assert [counts(at) for at in states_over_time(sent, tasks_seen, EPOCH, (4, 5))] == [{}, {"completed": 1}]


def test_the_states_of_a_run_add_up_to_its_tasks_at_any_time() -> None:
    run = result(observed(tasks(7, 2, 1)))
    assert [sum(counts(at).values()) for at in run.states] == [10] * len(run.states)
    assert counts(run.states[-1]) == {"completed": 9, "failed": 1}
    assert [at.second for at in run.states[:2]] == [0, run.throughput.bin_seconds]


def test_errors_are_counted_by_type_with_an_example() -> None:
    usual = [a_history([False, True], 1), a_history([False, False], 2)]
    (attempt,) = a_history([True], 3).history
    lost = replace(a_history([True], 3), history=(replace(attempt, outcome=Outcome.LOST),))
    assert error_kinds([*usual, lost]) == [
        ErrorKind(type="E", example="by chance", attempts=3, tasks=1),
        ErrorKind(type=WORKER_LOST, example="the worker ended without reporting", attempts=1, tasks=0),
    ]
    assert error_kinds([a_history([True]), a_task(status=Status.PENDING)]) == []


def test_the_machine_is_named_with_its_load() -> None:
    machine = MACHINE
    assert machine_text(machine) == "AWS; Linux x86_64, 2 CPUs, 24 GiB, Python 3.13.1; load 2.5 before, 3 after"
    assert is_busy(machine)
    assert not is_busy(machine.model_copy(update={"load_before": 1.9}))
    unknown = machine.model_copy(update={"load_before": None, "memory_gib": None, "cpus": 1})
    assert machine_text(unknown) == "AWS; Linux x86_64, 1 CPU, Python 3.13.1"
    assert not is_busy(unknown)


def test_the_machine_says_what_served_the_stage() -> None:
    engines = [
        describe_machine(target, None, None).engine
        for target in (Target("prod"), Target("prod", endpoint_url="http://127.0.0.1:1"))
    ]
    assert engines == ["AWS", "an emulator"]
    assert describe_machine(Target.local("http://127.0.0.1:1", "a", "b"), 1.0, 2.0).engine.startswith("ministack ")
