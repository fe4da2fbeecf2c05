"""The judge is no rubber stamp."""

from __future__ import annotations

from typing import Any

from ftask.core.model import Attempt, Outcome, Status, Task
from tests.chaos.verdict import Verdict, judge
from tests.support.builders import TASK_ID, a_task
from tests.support.clock import EPOCH


def event(name: str, second: int, attempt: int = 1, epoch: int = 0) -> dict[str, Any]:
    return {
        "event": name,
        "taskId": TASK_ID,
        "epoch": epoch,
        "attempt": attempt,
        "timestamp": f"2026-01-01T12:00:{second:02}.000Z",
        "leaseUntil": f"2026-01-01T12:00:{second + 6:02}.000Z",
    }


def ended(status: Status = Status.COMPLETED) -> dict[str, Task]:
    return {TASK_ID: a_task(status=status)}


def test_a_task_that_ran_and_ended_is_good() -> None:
    log = [event("started", 1), event("finished", 3), event("started", 3, 2), event("finished", 4, 2)]
    assert judge([TASK_ID], ended(Status.FAILED), [(TASK_ID, 0)], log).good


def test_an_accepted_task_that_is_gone_is_lost() -> None:
    assert judge([TASK_ID], {}, [], []) == Verdict(lost=[TASK_ID])


def test_a_task_that_has_not_ended_is_open() -> None:
    assert judge([TASK_ID], ended(Status.RETRYING), [], []) == Verdict(open=[TASK_ID])


def test_a_failed_task_needs_a_letter_of_its_own_epoch() -> None:
    assert judge([TASK_ID], ended(Status.FAILED), [(TASK_ID, 1)], []) == Verdict(without_letter=[TASK_ID])


def test_a_run_that_starts_before_the_one_before_it_ended_overlaps() -> None:
    log = [event("started", 2, 2), event("started", 1), event("finished", 3), event("finished", 4, 2)]
    assert judge([TASK_ID], ended(), [], log) == Verdict(overlapping=[TASK_ID])


def test_a_run_that_was_killed_counts_until_its_lease_ends() -> None:
    assert judge([TASK_ID], ended(), [], [event("started", 1), event("started", 6, 2)]).overlapping == [TASK_ID]
    assert judge([TASK_ID], ended(), [], [event("started", 1), event("started", 7, 2)]).good


def test_an_attempt_that_is_run_again_counted_until_its_lease_ended() -> None:
    lost = Attempt(1, 0, EPOCH, None, Outcome.LOST, beside=1, uncounted=True)
    tasks = {TASK_ID: a_task(status=Status.COMPLETED, max_attempts=1, history=(lost, Attempt(1, 0, EPOCH)))}
    assert judge([TASK_ID], tasks, [], [event("started", 1), event("started", 7), event("finished", 8)]).good
    log = [event("started", 1), event("started", 6), event("finished", 8)]
    assert judge([TASK_ID], tasks, [], log) == Verdict(overlapping=[TASK_ID])


def test_more_starts_than_attempts_in_one_epoch_are_too_many() -> None:
    log = [event("started", 1), event("started", 10, 2), event("started", 20, 3)]
    assert judge([TASK_ID], ended(), [], log) == Verdict(too_many_starts=[TASK_ID])
    assert judge([TASK_ID], ended(), [], [*log[:2], event("started", 20, 1, epoch=1)]).good
