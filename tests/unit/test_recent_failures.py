from __future__ import annotations

from ftask.ops.top import FailedAttempt, recent_failures
from tests.support.snapshots import a_failed_attempt, a_failed_task


def test_each_task_is_listed_once_with_its_newest_failure() -> None:
    attempts = [
        a_failed_attempt(1, seconds=30),
        a_failed_attempt(1, seconds=10),
        a_failed_attempt(2, seconds=20, final=True),
    ]
    failed = [a_failed_task(3, seconds=25), a_failed_task(1, seconds=5)]
    assert recent_failures(attempts, failed) == [
        attempts[0],
        FailedAttempt.of(failed[0]),
        attempts[2],
    ]


def test_the_index_knows_the_whole_error_of_an_attempt_that_the_log_has_too() -> None:
    failed = a_failed_task(1, "the whole message", seconds=5)
    (only,) = recent_failures([a_failed_attempt(1, "E", final=True, seconds=6)], [failed])
    assert only == FailedAttempt.of(failed)


def test_a_redriven_task_that_failed_again_shows_its_new_failure() -> None:
    (only,) = recent_failures([a_failed_attempt(1, "F", final=True, seconds=60)], [a_failed_task(1, seconds=5)])
    assert only.error == "F"
