"""What a run shows, and that a worker which breaks a promise is detected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from ftask.aws.stack import DeployedStack
from ftask.aws.target import Target
from ftask.bench.evaluation import expected
from ftask.bench.expectation import Expectation
from ftask.bench.result import Result
from ftask.core.errors import FtaskError
from ftask.core.model import Outcome, Task
from ftask.core.retry import RetryPolicy
from tests.support.runs import EXPECTATION, USUAL, a_history, observed, result, tasks


def test_a_healthy_run() -> None:
    run = result()
    assert (run.tasks, run.completed, run.failed, run.lost, run.open) == (1000, 910, 90, 0, 0)
    rate = run.attempt_error_rate
    assert (rate.failed, rate.attempts, rate.expected) == (390, 1300, 0.3)
    assert rate.low < 0.3 < rate.high
    assert run.failed_share.expected == pytest.approx(0.09)
    assert [(count.attempts, count.tasks) for count in run.attempts] == [(1, 700), (2, 300)]
    assert [count.expected for count in run.attempts] == pytest.approx([700, 300])
    (delay,) = run.delays
    assert (delay.count, delay.shortest, delay.longest, delay.outside, delay.too_early) == (300, 2, 2, 0, 0)
    assert delay.lateness is not None
    assert delay.lateness.p50 == pytest.approx(0.5)
    assert [latency.attempts for latency in run.latency.submit_to_end] == [1, 2]
    assert run.latency.submit_to_end[1].seconds.p50 == pytest.approx(0.6 + 2 + 0.6)
    assert (run.verdict, run.broken, run.notes) == ("consistent", [], [])


def test_a_rate_that_is_not_the_configured_one_is_a_surprise_and_breaks_nothing() -> None:
    run = result(observed(tasks(600, 240, 160)))
    assert run.verdict == "not consistent"
    assert run.broken == []


def test_a_small_sample_says_how_many_tasks_it_would_take() -> None:
    run = result(observed(tasks(70, 21, 9)))
    assert run.verdict == "consistent"
    assert "too few tasks to distinguish 30 % from 25 %: that takes about 927 tasks" in run.notes


@pytest.mark.parametrize("stopped", ["interrupted", "timed out"])
def test_half_a_run_has_no_verdict(stopped: str) -> None:
    usual = observed(tasks(*USUAL), lost=5, stopped=stopped)
    run = result(replace(usual, lost=frozenset()))
    assert (run.verdict, run.open, run.lost, run.broken) == ("incomplete", 5, 0, [])


def hasty(task: Task) -> Task:
    """The task with its second attempt begun at once."""
    first, *rest = task.history
    assert first.ended_at is not None
    return replace(task, history=(first, *(replace(attempt, started_at=first.ended_at) for attempt in rest)))


def without_backoff(task: Task) -> Task:
    first, *rest = task.history
    return replace(task, history=(replace(first, backoff_seconds=0.0), *rest)) if rest else task


def broken_by(run: Result) -> str:
    (promise,) = run.broken
    return promise


def test_lost_tasks_are_detected() -> None:
    assert broken_by(result(observed(tasks(690, 210, 90), lost=10))).startswith("10 tasks lost")


def test_a_failure_without_a_dead_letter_is_detected() -> None:
    assert broken_by(result(observed(tasks(*USUAL), letters=89))) == "89 dead letters for 90 failed tasks"


def test_a_dead_letter_too_many_is_only_noted() -> None:
    run = result(observed(tasks(*USUAL), letters=91))
    assert run.broken == []
    assert run.notes[0].startswith("1 dead letter more than failed tasks")


def test_attempts_that_do_not_wait_are_detected() -> None:
    histories = [hasty(task) for task in tasks(*USUAL)]
    assert broken_by(result(observed(histories))) == "300 attempts that began before the backoff was over"


def test_delays_that_the_rule_does_not_allow_are_detected() -> None:
    histories = [without_backoff(task) for task in tasks(*USUAL)]
    assert broken_by(result(observed(histories))) == "300 delays that the backoff rule does not allow"


def test_an_attempt_too_many_is_detected() -> None:
    histories = [*tasks(699, 210, 90), a_history([False, False, True], 999)]
    assert broken_by(result(observed(histories))) == "1 task with more attempts than allowed"


def test_attempts_whose_worker_died_are_in_no_rate() -> None:
    task = a_history([False, True], 0)
    first, second = task.history
    died = replace(task, history=(replace(first, outcome=Outcome.LOST, ended_at=None, backoff_seconds=None), second))
    run = result(observed([died]))
    assert (run.attempt_error_rate.attempts, run.attempt_error_rate.failed, run.lost_attempts) == (1, 0, 1)
    assert run.delays == []


def test_jitter_may_wait_for_any_time_up_to_the_rule() -> None:
    policy = RetryPolicy(jitter=True)
    histories = [a_history([False, True], number, policy) for number in range(200)]
    (delay,) = result(observed(histories), Expectation(0.3, 2, policy)).delays
    assert 0 <= delay.shortest < 0.5 < 1.5 < delay.longest <= 2
    assert delay.outside == 0
    (strict,) = result(observed(histories), EXPECTATION).delays
    assert strict.outside == 200


def test_the_timeline_has_every_task_once() -> None:
    throughput = result().throughput
    assert sum(interval.accepted for interval in throughput.timeline) == 1000
    assert sum(interval.ended for interval in throughput.timeline) == 1000
    assert len(throughput.timeline) <= 61
    assert throughput.backoff_seconds == 2


PARAMETERS = {
    "ErrorRate": "0.5",
    "MaxAttempts": "4",
    "BackoffBaseSeconds": "1",
    "BackoffCapSeconds": "3",
    "BackoffJitter": "false",
}


def a_stack(parameters: Mapping[str, str] = PARAMETERS) -> DeployedStack:
    return DeployedStack(Target("prod"), "id", "CREATE_COMPLETE", parameters, {})


def test_what_is_expected_comes_from_the_stack() -> None:
    expectation = expected("hello", a_stack())
    assert expectation.failed_share == pytest.approx(0.5**4)
    assert expectation.mean_attempts == pytest.approx((1 - 0.5**4) / 0.5)
    assert expectation.mean_backoff_seconds == pytest.approx(0.5 * 1 + 0.25 * 2 + 0.125 * 3)
    assert sum(expectation.share_with(number) for number in range(1, 5)) == pytest.approx(1)


@pytest.mark.parametrize(("message", "rate"), [("SUCCESS", 0.0), ("SLOW:1", 0.0), ("ERROR", 1.0), ("x", 0.5)])
def test_some_messages_are_certain(message: str, rate: float) -> None:
    assert expected(message, a_stack()).rate == rate


@pytest.mark.parametrize("message", ["CRASH", "HANG"])
def test_a_message_that_kills_workers_is_no_experiment(message: str) -> None:
    with pytest.raises(FtaskError, match="takes the other tasks of its batch"):
        expected(message, a_stack())


def test_a_stack_without_the_parameter_is_an_error() -> None:
    with pytest.raises(FtaskError, match="no parameter 'BackoffBaseSeconds'") as told:
        expected("x", a_stack({}))
    assert told.value.hint == "Deploy it again: ftask deploy --stage prod"
