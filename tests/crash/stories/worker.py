"""A worker runs a task: it fails, dies, hangs, gets a message twice or too early, or outlives its lease."""

from __future__ import annotations

from collections.abc import Callable

from ftask.core.codec import encode_message
from ftask.core.model import Delivery, Message, Status
from tests.crash.stories.story import FOREIGN, Scenario, delivered, expect_epoch, failed
from tests.crash.world import World


def scripted(script: dict[tuple[int, int], object]) -> Callable[[World], None]:
    def tell(w: World) -> None:
        w.script = script
        with w.undisturbed():
            w.submit()
        w.until_quiet()

    return tell


def malformed_message(w: World) -> None:
    w.send_raw(FOREIGN)
    w.until_quiet()
    if FOREIGN not in w.cloud.letters():
        w.violations.append("a foreign message is lost")


def message_of_a_later_release(w: World) -> None:
    with w.undisturbed():
        task = w.submit()
        assert task is not None
        delivery = w.cloud.receive()
        assert delivery is not None
    later = Delivery(delivery.message_id, delivery.receipt_handle, delivery.body.replace('"v":1', '"v":9'))
    w.work(later)
    w.until_quiet()


def duplicate(script: dict[tuple[int, int], object], *, max_attempts: int = 2) -> Callable[[World], None]:
    """The same message delivered to two workers at the same time."""

    def tell(w: World) -> None:
        w.script = script
        w.max_attempts = max_attempts
        delivery = delivered(w)
        w.at_once(lambda: w.work(delivery), lambda: w.work(delivery))
        w.until_quiet()

    return tell


def late_duplicate(script: dict[tuple[int, int], object]) -> Callable[[World], None]:
    """The same message once more, long after the task has ended."""

    def tell(w: World) -> None:
        w.script = script
        with w.undisturbed():
            task = w.submit()
            assert task is not None
            w.until_quiet()
        runs = len(w.witness.runs)
        w.send_raw(encode_message(Message(task.task_id)))
        w.until_quiet()
        if len(w.witness.runs) != runs:
            w.violations.append("a late duplicate ran")

    return tell


def late_duplicate_after_a_redrive(w: World) -> None:
    """It must not act for the new epoch: its letter would name the old one."""
    w.script = {(1, 1): "permanent"}
    task = failed(w)
    with w.undisturbed():
        w.send_raw(encode_message(Message(task.task_id, 0)))
    w.redrive_surely()
    w.until_quiet()
    expect_epoch(w, task, 1)


def delivery_before_the_backoff_is_over(w: World) -> None:
    w.script = {(0, 1): "fail"}
    with w.undisturbed():
        task = w.submit()
        assert task is not None
        delivery = w.cloud.receive()
        assert delivery is not None
        w.work(delivery)
    w.send_raw(encode_message(Message(task.task_id)))
    w.until_quiet()


def a_worker_that_outlives_its_lease(second: object, *, max_attempts: int = 2) -> Callable[[World], None]:
    """A clock is wrong, or a machine was asleep: the first worker comes back after a second one has begun.

    Without a second attempt, it comes back after it has been declared lost.
    """

    def tell(w: World) -> None:
        w.witness.may_overlap = True
        w.witness.may_be_declared_lost = max_attempts == 1
        w.max_attempts = max_attempts
        w.script = {(0, 1): lambda: None, (0, 2): second}
        delivery = delivered(w)

        def later() -> None:
            w.pass_seconds(130)
            w.pump()

        w.at_once(lambda: w.work(delivery), later)
        w.until_quiet()

    return tell


def a_dead_workers_task_is_taken_over_by_two(w: World) -> None:
    """Its message was duplicated, and two workers find the expired lease at the same time."""
    w.script = {(0, 1): "die"}
    w.max_attempts = 3
    delivery = delivered(w)
    with w.undisturbed():
        w.work(delivery)
        w.pass_seconds(130)
    w.at_once(lambda: w.work(delivery), lambda: w.work(delivery))
    w.until_quiet()


FAIL_TWICE: dict[tuple[int, int], object] = {(0, 1): "fail", (0, 2): "fail"}

SCENARIOS = [
    Scenario("retry then success", scripted({(0, 1): "fail"}), depth=2),
    Scenario("exhausted attempts", scripted(FAIL_TWICE), Status.FAILED),
    Scenario("permanent error", scripted({(0, 1): "permanent"}), Status.FAILED),
    Scenario("worker dies in the first attempt", scripted({(0, 1): "die"})),
    Scenario("worker dies in the second attempt", scripted({(0, 1): "fail", (0, 2): "die"}), Status.FAILED),
    Scenario("worker dies in every attempt", scripted({(0, 1): "die", (0, 2): "kill the worker"}), Status.FAILED),
    Scenario("handler hangs past the timeout", scripted({(0, 1): "hang"})),
    Scenario("malformed message", malformed_message, None),
    Scenario("message of a later release", message_of_a_later_release),
    Scenario("duplicate delivery of a success", duplicate({}), actors=2),
    Scenario("duplicate delivery of a failure", duplicate({(0, 1): "fail"}), actors=2, depth=0),
    Scenario(
        "duplicate delivery of the last failure", duplicate(FAIL_TWICE, max_attempts=1), Status.FAILED, 2, depth=0
    ),
    Scenario("duplicate delivery, one worker dies", duplicate({(0, 1): "die"}), actors=2),
    Scenario(
        "a dead worker's task is taken over by two",
        a_dead_workers_task_is_taken_over_by_two,
        actors=2,
        depth=0,
        interrupted_twice=True,
    ),
    Scenario("late duplicate after COMPLETED", late_duplicate({})),
    Scenario("late duplicate after FAILED", late_duplicate({(0, 1): "permanent"}), Status.FAILED),
    Scenario("late duplicate after a redrive", late_duplicate_after_a_redrive, Status.FAILED),
    Scenario("delivery before the backoff is over", delivery_before_the_backoff_is_over),
    Scenario(
        "worker outlives its lease, the second succeeds",
        a_worker_that_outlives_its_lease("ok"),
        None,
        2,
        depth=0,
        interrupted_twice=True,
    ),
    Scenario(
        "worker outlives its lease, the second fails", a_worker_that_outlives_its_lease("permanent"), None, 2, depth=0
    ),
    Scenario(
        "worker outlives its lease, the second dies",
        a_worker_that_outlives_its_lease("kill the worker"),
        None,
        2,
        depth=0,
    ),
    Scenario(
        "worker outlives its lease, the last one",
        a_worker_that_outlives_its_lease("ok", max_attempts=1),
        None,
        2,
        depth=0,
    ),
]
