from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest

from ftask.core import transitions
from ftask.core.model import WORKER_LOST, Attempt, Failure, Lease, Message, Outcome, Status, Task
from ftask.core.retry import RetryPolicy
from ftask.core.transitions import Acknowledge, Begun, Cancelled, Exhausted, Postpone, Reopen, TakeOver
from tests.support.builders import OWNER, TASK_ID, a_running_task, a_task
from tests.support.clock import EPOCH

MESSAGE = Message(TASK_ID, 0)
ERROR = Failure("ValueError", "no")
RNG = Random(1)
LEASE = Lease(OWNER, EPOCH + timedelta(seconds=20))


def later(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def test_a_message_of_an_unknown_task_is_done_with() -> None:
    assert isinstance(transitions.decide_refused_begin(None, MESSAGE, "me", EPOCH), Acknowledge)


def test_a_refusal_by_our_own_first_write_is_success() -> None:
    task = a_running_task()
    assert transitions.decide_refused_begin(task, MESSAGE, OWNER, EPOCH) == Begun(task)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELLED])
def test_a_duplicate_of_an_ended_task_is_done_with(status: Status) -> None:
    assert isinstance(transitions.decide_refused_begin(a_task(status=status), MESSAGE, "me", EPOCH), Acknowledge)


def test_a_message_of_an_older_epoch_is_done_with_whatever_the_task_does_now() -> None:
    for task in (a_task(epoch=1), a_running_task(epoch=1), a_task(epoch=3, status=Status.FAILED)):
        assert isinstance(transitions.decide_refused_begin(task, MESSAGE, "me", EPOCH), Acknowledge)


def test_a_redrives_message_that_is_faster_than_its_bookkeeping_makes_the_move_itself() -> None:
    task = a_task(status=Status.FAILED, epoch=4)
    assert transitions.decide_refused_begin(task, Message(TASK_ID, 5), "me", EPOCH) == Reopen(task)


@pytest.mark.parametrize(
    "task", [a_task(epoch=4), a_running_task(epoch=4), a_task(epoch=4, status=Status.COMPLETED), a_task(epoch=3)]
)
def test_a_message_of_an_epoch_that_cannot_have_begun_stays(task: object) -> None:
    decision = transitions.decide_refused_begin(task, Message(TASK_ID, 5), "me", EPOCH)  # type: ignore[arg-type]
    assert isinstance(decision, Postpone)


def test_a_task_that_runs_elsewhere_is_left_until_that_lease_has_surely_ended() -> None:
    task = a_running_task()
    assert task.lease is not None
    for moment in (EPOCH, task.lease.until, task.lease.until + later(1.9)):
        assert transitions.decide_refused_begin(task, MESSAGE, "me", moment) == Postpone(
            "running elsewhere", until=task.lease.until + transitions.CLOCK_SKEW_MARGIN
        )


def test_a_task_whose_last_worker_died_is_dead_lettered_as_lost() -> None:
    task = a_running_task(attempt=2)
    assert task.lease is not None
    decision = transitions.decide_refused_begin(task, MESSAGE, "me", task.lease.until + later(2))
    assert isinstance(decision, Exhausted)
    assert decision.task.status is Status.FAILED
    assert decision.task.last_error is not None
    assert decision.task.last_error.type == WORKER_LOST
    assert [attempt.outcome for attempt in decision.task.history] == [Outcome.LOST, Outcome.LOST]


def lost_beside(beside: int, *earlier: Attempt, attempt: int = 1, max_attempts: int = 2) -> Task:
    """A task whose worker died `beside` other messages, as a begin finds it later."""
    history = (*earlier, Attempt(attempt, 0, EPOCH, beside=beside))
    return a_running_task(history=history, attempts=attempt, max_attempts=max_attempts)


LOSS = "The worker crashed, ran out of memory or reached WorkerTimeout"
UNCOUNTED = Attempt(1, 0, EPOCH, None, Outcome.LOST, Failure(WORKER_LOST, "…"), beside=9, uncounted=True)


def test_an_attempt_that_was_lost_alone_counts() -> None:
    task = lost_beside(0)
    assert transitions.decide_refused_begin(task, MESSAGE, "me", EPOCH + later(60)) == TakeOver(task, LEASE)
    after = transitions.taken_over(task, Lease("me", EPOCH + later(80)), 3, EPOCH + later(60))
    assert (after.attempts, after.lease) == (2, Lease("me", EPOCH + later(80)))
    assert after.history == (
        Attempt(1, 0, EPOCH, None, Outcome.LOST, Failure(WORKER_LOST, LOSS + ".")),
        Attempt(2, 0, EPOCH + later(60), beside=3),
    )


@pytest.mark.parametrize(
    ("beside", "text"),
    [
        (1, f"{LOSS}, while 1 other task ran in it; not counted."),
        (9, f"{LOSS}, while 9 other tasks ran in it; not counted."),
    ],
)
def test_an_attempt_that_was_lost_beside_others_does_not_count(beside: int, text: str) -> None:
    task = lost_beside(beside, max_attempts=1)
    assert transitions.decide_refused_begin(task, MESSAGE, "me", EPOCH + later(60)) == TakeOver(task, LEASE)
    after = transitions.taken_over(task, Lease("me", EPOCH + later(80)), 0, EPOCH + later(60))
    assert (after.attempts, after.last_error) == (1, Failure(WORKER_LOST, text))
    assert after.history == (
        Attempt(1, 0, EPOCH, None, Outcome.LOST, Failure(WORKER_LOST, text), None, beside, uncounted=True),
        Attempt(1, 0, EPOCH + later(60)),
    )


def test_a_task_that_ends_every_worker_fails_in_the_end_though_others_ran_beside_it() -> None:
    several = (UNCOUNTED,) * (transitions.MAX_UNCOUNTED_LOSSES - 1)
    assert not transitions.is_loss_counted(lost_beside(9, *several))
    task = lost_beside(9, *several, UNCOUNTED, max_attempts=1)
    assert isinstance(transitions.decide_refused_begin(task, MESSAGE, "me", EPOCH + later(60)), Exhausted)


def test_losses_of_an_earlier_epoch_are_not_held_against_this_one() -> None:
    task = lost_beside(9, *(UNCOUNTED,) * transitions.MAX_UNCOUNTED_LOSSES)
    history = (*task.history[:-1], replace(task.history[-1], epoch=1))
    assert not transitions.is_loss_counted(replace(task, epoch=1, history=history))


def test_an_attempt_that_did_not_run_is_given_back() -> None:
    task = a_task()
    begun = replace(task, status=Status.PROCESSING, attempts=1, history=(Attempt(1, 0, EPOCH, beside=2),))
    assert transitions.given_back(begun, EPOCH) == task
    retrying = transitions.failed_attempt(a_running_task(), ERROR, EPOCH, RetryPolicy(), RNG)
    again = replace(retrying, status=Status.PROCESSING, attempts=2, history=(*retrying.history, Attempt(2, 0, EPOCH)))
    back = transitions.given_back(again, EPOCH)
    assert (back.status, back.attempts, back.history) == (Status.RETRYING, 1, retrying.history)


def test_an_attempt_that_followed_a_loss_is_given_back_with_the_loss_in_the_history() -> None:
    taken = transitions.taken_over(lost_beside(9), Lease("me", EPOCH), 0, EPOCH)
    back = transitions.given_back(taken, EPOCH)
    assert (back.status, back.attempts) == (Status.RETRYING, 0)
    assert [attempt.uncounted for attempt in back.history] == [True]


def test_a_task_is_a_suspect_once_an_attempt_was_lost_also_after_a_redrive() -> None:
    first = a_running_task()
    assert not transitions.is_suspect(first)
    died_in_a_child = Attempt(1, 0, EPOCH, EPOCH, Outcome.FAILED, Failure(WORKER_LOST, "…"), 2.0)
    failed = Attempt(1, 0, EPOCH, EPOCH, Outcome.FAILED, ERROR, 2.0)
    never_settled = Attempt(1, 0, EPOCH)
    for earlier, suspect in ((UNCOUNTED, True), (died_in_a_child, True), (never_settled, True), (failed, False)):
        for epoch in (0, 1):
            task = a_running_task(epoch=epoch, history=(earlier, Attempt(1, epoch, EPOCH)))
            assert transitions.is_suspect(task) is suspect


def test_a_delivery_before_the_backoff_is_over_is_left_until_it_is() -> None:
    task = a_task(status=Status.RETRYING, attempts=1, next_attempt_at=EPOCH + later(8))
    assert transitions.decide_refused_begin(task, MESSAGE, "me", EPOCH + later(1)) == Postpone(
        "backing off", until=EPOCH + later(8)
    )


def test_a_failure_with_attempts_left_backs_off() -> None:
    after = transitions.failed_attempt(a_running_task(), ERROR, EPOCH + later(1), RetryPolicy(), RNG)
    assert after.status is Status.RETRYING
    assert after.next_attempt_at == EPOCH + later(3)
    assert after.history == (Attempt(1, 0, EPOCH, EPOCH + later(1), Outcome.FAILED, ERROR, 2.0),)


def test_the_last_failure_is_final() -> None:
    after = transitions.failed_attempt(a_running_task(attempt=2), ERROR, EPOCH + later(1), RetryPolicy(), RNG)
    assert after.status is Status.FAILED
    assert after.failed_at == EPOCH + later(1)
    assert after.next_attempt_at is None
    assert after.last_error == ERROR


def test_a_permanent_failure_is_final_whatever_attempts_are_left() -> None:
    after = transitions.failed_attempt(a_running_task(), ERROR, EPOCH, RetryPolicy(), RNG, permanent=True)
    assert after.status is Status.FAILED


def test_a_success_keeps_its_result_and_clears_the_last_error() -> None:
    after = transitions.completed(a_running_task(attempt=2, last_error=ERROR), '{"ok":true}', EPOCH + later(1))
    assert (after.status, after.result, after.last_error) == (Status.COMPLETED, '{"ok":true}', None)
    assert after.history[-1].outcome is Outcome.COMPLETED


def test_an_attempt_that_was_never_settled_is_told_as_lost_by_the_next_one() -> None:
    running = a_running_task(attempt=2)
    lost_first = replace(running, history=(Attempt(1, 0, EPOCH), Attempt(2, 0, EPOCH)))
    after = transitions.completed(lost_first, None, EPOCH)
    assert [attempt.outcome for attempt in after.history] == [Outcome.LOST, Outcome.COMPLETED]


def test_history_stays_bounded_and_keeps_the_newest() -> None:
    long = tuple(Attempt(number, 0, EPOCH, EPOCH, Outcome.FAILED) for number in range(1, 80))
    after = transitions.completed(a_running_task(history=(*long, Attempt(80, 0, EPOCH))), None, EPOCH)
    assert len(after.history) == transitions.MAX_HISTORY
    assert after.history[-1].number == 80


def test_a_redrive_starts_a_new_epoch_and_keeps_the_history() -> None:
    failed = transitions.failed_attempt(a_running_task(attempt=2), ERROR, EPOCH, RetryPolicy(), RNG)
    after = transitions.reopened(failed, EPOCH + later(60))
    assert (after.status, after.epoch, after.attempts) == (Status.PENDING, 1, 0)
    assert (after.lease, after.failed_at, after.next_attempt_at) == (None, None, None)
    assert after.history == failed.history


def test_a_cancelled_task_whose_worker_died_is_cancelled() -> None:
    task = a_running_task(cancel_requested_at=EPOCH)
    decision = transitions.decide_refused_begin(task, MESSAGE, "me", EPOCH + later(60))
    assert isinstance(decision, Cancelled)
    task = decision.task
    assert (task.status, task.cancelled_at, task.cancel_requested_at) == (Status.CANCELLED, EPOCH + later(60), None)
    assert [attempt.outcome for attempt in task.history] == [Outcome.LOST]


def test_a_cancelled_task_whose_last_worker_died_has_failed() -> None:
    task = a_running_task(2, cancel_requested_at=EPOCH)
    assert isinstance(transitions.decide_refused_begin(task, MESSAGE, "me", EPOCH + later(60)), Exhausted)


def test_cancelling_keeps_what_the_attempts_came_to() -> None:
    retrying = transitions.failed_attempt(a_running_task(), ERROR, EPOCH, RetryPolicy(), RNG)
    task = transitions.cancelled(retrying, EPOCH)
    assert (task.history, task.last_error, task.next_attempt_at) == (retrying.history, ERROR, None)


def test_a_task_of_an_unknown_type_waits_without_an_attempt_for_fifteen_minutes_and_then_fails() -> None:
    error = Failure("UnknownTaskType", "This worker has no task type 'x'.")
    waiting = transitions.unknown_type(a_running_task(), error, EPOCH + later(60))
    assert (waiting.status, waiting.attempts, waiting.history) == (Status.PENDING, 0, ())
    assert (waiting.unknown_since, waiting.last_error) == (EPOCH + later(60), error)
    again = a_running_task(unknown_since=waiting.unknown_since)
    assert transitions.unknown_type(again, error, EPOCH + later(60 + 899)).unknown_since == EPOCH + later(60)
    failed = transitions.unknown_type(again, error, EPOCH + later(60 + 900))
    assert (failed.status, failed.last_error, failed.unknown_since) == (Status.FAILED, error, None)
    assert transitions.completed(again, None, EPOCH).unknown_since is None
