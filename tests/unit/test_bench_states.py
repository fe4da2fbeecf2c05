"""The states of the tasks over time, the errors by kind, and the machine of a run."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import groupby
from typing import Any

from ftask.aws.target import Target
from ftask.bench.machine import describe_machine, is_busy, machine_text
from ftask.bench.result import ErrorKind, StatesAt
from ftask.core.model import WORKER_LOST, Failure, Outcome, Status, Task
from tests.support.clock import EPOCH
from tests.support.runs import MACHINE, a_history, observed, result, tasks

STATES = tuple(status.lower() for status in Status)


def counts(at: StatesAt) -> dict[str, int]:
    """The states that some task is in."""
    return {name: getattr(at, name) for name in STATES if getattr(at, name)}


def changes(task: Task, **sent: Any) -> list[dict[str, int]]:
    """The states of a run of one task, each as long as it lasted once; looked at every 0.25 s."""
    of = observed([task])
    run = result(replace(of, sent=[replace(of.sent[0], **sent)]))
    assert run.throughput.bin_seconds == 0.25
    return [state for state, _ in groupby(map(counts, run.states))]


def test_a_state_is_counted_for_each_status() -> None:
    assert tuple(StatesAt.model_fields) == ("second", *STATES)


def test_a_retried_task_waits_runs_waits_again_and_ends() -> None:
    # It begins at 0.5 s and fails at 0.6 s; its next attempt is due at 2.6 s, and runs from 3.1 s to 3.2 s.
    assert changes(a_history([False, True])) == [
        {"pending": 1},
        {"processing": 1},
        {"retrying": 1},
        {"completed": 1},
    ]


def test_a_task_that_fails_for_good_does_not_wait_again() -> None:
    assert changes(a_history([False, False]))[-1] == {"failed": 1}


def test_a_task_that_was_accepted_and_never_seen_is_pending() -> None:
    run = result(replace(observed([], lost=1), lost=frozenset()))
    assert {str(counts(at)) for at in run.states} == {"{'pending': 1}"}


def test_a_lost_attempt_runs_until_the_next_one() -> None:
    first, second = a_history([False, True]).history
    lost = replace(first, outcome=Outcome.LOST, ended_at=None, error=None, backoff_seconds=None)
    task = replace(a_history([False, True]), history=(lost, second))
    assert changes(task) == [{"pending": 1}, {"processing": 1}, {"completed": 1}]


def test_a_worker_whose_clock_is_behind_changes_no_order() -> None:
    # By the worker's clock it runs and ends before it is sent by the client's.
    sent_at = EPOCH + timedelta(seconds=5)
    task = replace(a_history([True]), created_at=sent_at)
    assert changes(task, sent_at=sent_at) == [{"completed": 1}]


def test_the_states_of_a_run_add_up_to_its_tasks_at_any_time() -> None:
    run = result(observed(tasks(7, 2, 1)))
    assert [sum(counts(at).values()) for at in run.states] == [10] * len(run.states)
    assert counts(run.states[-1]) == {"completed": 9, "failed": 1}
    assert [at.second for at in run.states[:2]] == [0, run.throughput.bin_seconds]


def test_errors_are_counted_by_kind_with_an_example() -> None:
    usual = [a_history([False, True], 1), a_history([False, False], 2)]
    (attempt,) = a_history([True], 3).history
    lost = replace(a_history([True], 3), history=(replace(attempt, outcome=Outcome.LOST),))
    assert result(observed([*usual, lost])).errors == [
        ErrorKind(type="E", example="by chance", attempts=3, tasks=1),
        ErrorKind(type=WORKER_LOST, example="the worker ended without reporting", attempts=1, tasks=0),
    ]
    assert result(observed([a_history([True])])).errors == []


def test_errors_that_differ_in_their_variable_parts_alone_are_one_kind_as_in_dlq_ls() -> None:
    def failed(number: int, message: str) -> Task:
        task = a_history([False], number)
        (attempt,) = task.history
        return replace(task, history=(replace(attempt, error=Failure("E", message)),))

    tasks = [failed(1, "no order 17"), failed(2, "no order 18"), failed(3, "no stock")]
    assert [(kind.example, kind.attempts) for kind in result(observed(tasks)).errors] == [
        ("no order 17", 2),
        ("no stock", 1),
    ]


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
