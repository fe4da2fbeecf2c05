"""What a run is taken to show, and that a worker which breaks a promise is found out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ftask.bench.expectation import Expectation, expected
from ftask.bench.result import Result
from ftask.core.errors import FtaskError
from ftask.core.model import Outcome, Task
from ftask.core.retry import RetryPolicy
from tests.support.runs import EXPECTATION, USUAL, a_history, observed, result, tasks


def test_a_healthy_run() -> None:
    found = result()
    assert (found.tasks, found.completed, found.failed, found.lost, found.open) == (1000, 910, 90, 0, 0)
    rate = found.attempt_error_rate
    assert (rate.failed, rate.attempts, rate.expected) == (390, 1300, 0.3)
    assert rate.low < 0.3 < rate.high
    assert found.failed_share.expected == pytest.approx(0.09)
    assert [(count.attempts, count.tasks) for count in found.attempts] == [(1, 700), (2, 300)]
    assert [count.expected for count in found.attempts] == pytest.approx([700, 300])
    (delay,) = found.delays
    assert (delay.count, delay.shortest, delay.longest, delay.outside, delay.too_early) == (300, 2, 2, 0, 0)
    assert delay.lateness is not None
    assert delay.lateness.p50 == pytest.approx(0.5)
    assert [each.attempts for each in found.latency.submit_to_end] == [1, 2]
    assert found.latency.submit_to_end[1].seconds.p50 == pytest.approx(0.6 + 2 + 0.6)
    assert (found.verdict, found.broken, found.notes) == ("consistent", [], [])


def test_a_rate_that_is_not_the_configured_one_is_a_surprise_and_breaks_nothing() -> None:
    found = result(observed(tasks(600, 240, 160)))
    assert found.verdict == "not consistent"
    assert found.broken == []


def test_a_small_sample_says_how_many_tasks_it_would_take() -> None:
    found = result(observed(tasks(70, 21, 9)))
    assert found.verdict == "consistent"
    assert "too few tasks to distinguish 30 % from 25 %: that takes about 927 tasks" in found.notes


@pytest.mark.parametrize("stopped", ["interrupted", "timed out"])
def test_half_a_run_has_no_verdict(stopped: str) -> None:
    usual = observed(tasks(*USUAL), lost=5, stopped=stopped)
    found = result(replace(usual, lost=frozenset()))
    assert (found.verdict, found.open, found.lost, found.broken) == ("incomplete", 5, 0, [])


def hasty(task: Task) -> Task:
    """The task with its second attempt begun at once."""
    first, *rest = task.history
    assert first.ended_at is not None
    return replace(task, history=(first, *(replace(each, started_at=first.ended_at) for each in rest)))


def without_backoff(task: Task) -> Task:
    first, *rest = task.history
    return replace(task, history=(replace(first, backoff_seconds=0.0), *rest)) if rest else task


def broken_by(found: Result) -> str:
    (only,) = found.broken
    return only


def test_lost_tasks_are_found_out() -> None:
    assert broken_by(result(observed(tasks(690, 210, 90), lost=10))).startswith("10 tasks lost")


def test_a_failure_without_a_dead_letter_is_found_out() -> None:
    assert broken_by(result(observed(tasks(*USUAL), letters=89))) == "89 dead letters for 90 failed tasks"


def test_a_dead_letter_too_many_is_only_noted() -> None:
    found = result(observed(tasks(*USUAL), letters=91))
    assert found.broken == []
    assert found.notes[0].startswith("1 dead letter more than failed tasks")


def test_attempts_that_do_not_wait_are_found_out() -> None:
    found = [hasty(task) for task in tasks(*USUAL)]
    assert broken_by(result(observed(found))) == "300 attempts that began before the backoff was over"


def test_delays_that_the_rule_does_not_allow_are_found_out() -> None:
    found = [without_backoff(task) for task in tasks(*USUAL)]
    assert broken_by(result(observed(found))) == "300 delays that the backoff rule does not allow"


def test_an_attempt_too_many_is_found_out() -> None:
    found = [*tasks(699, 210, 90), a_history([False, False, True], 999)]
    assert broken_by(result(observed(found))) == "1 task with more attempts than allowed"


def test_attempts_whose_worker_died_are_in_no_rate() -> None:
    task = a_history([False, True], 0)
    first, second = task.history
    died = replace(task, history=(replace(first, outcome=Outcome.LOST, ended_at=None, backoff_seconds=None), second))
    found = result(observed([died]))
    assert (found.attempt_error_rate.attempts, found.attempt_error_rate.failed, found.lost_attempts) == (1, 0, 1)
    assert found.delays == []


def test_jitter_may_wait_for_any_time_up_to_the_rule() -> None:
    policy = RetryPolicy(jitter=True)
    found = [a_history([False, True], number, policy) for number in range(200)]
    (delay,) = result(observed(found), Expectation(0.3, 2, policy)).delays
    assert 0 <= delay.shortest < 0.5 < 1.5 < delay.longest <= 2
    assert delay.outside == 0
    (strict,) = result(observed(found), EXPECTATION).delays
    assert strict.outside == 200


def test_the_timeline_has_every_task_once() -> None:
    through = result().throughput
    assert sum(each.accepted for each in through.timeline) == 1000
    assert sum(each.ended for each in through.timeline) == 1000
    assert len(through.timeline) <= 61
    assert through.backoff_seconds == 2


PARAMETERS = {
    "ErrorRate": "0.5",
    "MaxAttempts": "4",
    "BackoffBaseSeconds": "1",
    "BackoffCapSeconds": "3",
    "BackoffJitter": "false",
}


def test_what_is_expected_comes_from_the_stack() -> None:
    found = expected("hello", PARAMETERS)
    assert found.failed_share == pytest.approx(0.5**4)
    assert found.mean_attempts == pytest.approx((1 - 0.5**4) / 0.5)
    assert found.mean_backoff_seconds == pytest.approx(0.5 * 1 + 0.25 * 2 + 0.125 * 3)
    assert sum(found.share_with(number) for number in range(1, 5)) == pytest.approx(1)


@pytest.mark.parametrize(("message", "rate"), [("SUCCESS", 0.0), ("SLOW:1", 0.0), ("ERROR", 1.0), ("x", 0.5)])
def test_some_messages_are_certain(message: str, rate: float) -> None:
    assert expected(message, PARAMETERS).rate == rate


@pytest.mark.parametrize("message", ["CRASH", "HANG"])
def test_a_message_that_kills_workers_is_no_experiment(message: str) -> None:
    with pytest.raises(FtaskError, match="takes the other tasks of its batch"):
        expected(message, PARAMETERS)


def test_a_stack_that_does_not_say_what_to_expect_is_told() -> None:
    with pytest.raises(FtaskError, match="no parameter 'ErrorRate'"):
        expected("x", {})
