"""An operator redrives failed tasks: again, beside a second operator, raced by the worker."""

from __future__ import annotations

from ftask.core.codec import encode_message
from ftask.core.model import Message, Status, Task
from tests.crash.stories.story import Scenario, delivered, expect_epoch, failed
from tests.crash.world import World


def redrive_one(w: World) -> None:
    task = failed(w)
    w.redrive_surely()
    w.until_quiet()
    expect_epoch(w, task, 1)


def redrive_again(w: World) -> None:
    """The same command twice: what the first one did is not done again."""
    task = failed(w)
    w.redrive_surely()
    w.redrive_surely()
    w.until_quiet()
    expect_epoch(w, task, 1)


def redrive_many(w: World) -> None:
    tasks = [failed(w) for _ in range(3)]
    w.redrive_surely()
    w.until_quiet()
    for task in tasks:
        expect_epoch(w, task, 1)


def redrive_raced_by_a_second_operator(w: World) -> None:
    task = failed(w)
    with w.undisturbed():
        # A crash between letter and state can leave two letters: one for each operator.
        w.dead_letters.send(encode_message(Message(task.task_id)), {})
    w.at_once(w.redrive, w.redrive)
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()
    expect_epoch(w, task, 1)


def redrive_raced_by_a_second_operator_and_fails_again(w: World) -> None:
    """The second operator acts on what was read before the first one's redrive had run and failed."""
    w.script = {(1, 1): "permanent"}
    task = failed(w)
    with w.undisturbed():
        w.dead_letters.send(encode_message(Message(task.task_id)), {})

    def redrive_and_work() -> None:
        w.redrive()
        w.pump()

    w.at_once(redrive_and_work, w.redrive)
    w.until_quiet()


def redrive_raced_by_the_worker(w: World) -> None:
    task = failed(w)
    w.at_once(w.redrive, w.pump)
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()
    expect_epoch(w, task, 1)


def redrive_while_the_worker_fails_the_task(w: World) -> None:
    w.script = {(0, 1): "permanent"}
    delivery = delivered(w)
    w.at_once(lambda: w.work(delivery), w.redrive)
    w.until_quiet()
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()


def redrive_that_fails_again(w: World) -> None:
    w.script = {(1, 1): "permanent"}
    task = failed(w)
    w.redrive_surely()
    w.until_quiet()
    expect_epoch(w, task, 1)


def redriven_late(w: World) -> Task:
    """A task redriven on the last day of its item, at least as far as to its message."""
    task = failed(w)
    w.pass_days(29)
    while w.cloud.next_visible() is None:
        w.redrive_named(task)
    return task


def late_redrive(w: World) -> Task:
    """Run on the last day of its message, the task is kept for its time again."""
    task = redriven_late(w)
    w.pass_days(13)
    w.until_quiet()
    w.pass_days(29)
    expect_epoch(w, task, 1)
    return task


def stale_letter_of_an_older_epoch(w: World) -> None:
    task = failed(w)
    with w.undisturbed():
        w.redrive()
        w.until_quiet()
        w.dead_letters.send(encode_message(Message(task.task_id, 0)), {})
    runs = len(w.witness.runs)
    w.redrive_surely()
    w.until_quiet()
    if len(w.witness.runs) != runs:
        w.violations.append("a stale letter ran")


SCENARIOS = [
    Scenario("redrive one", redrive_one),
    Scenario("redrive again before the task has run", redrive_again),
    Scenario("redrive many", redrive_many),
    Scenario("redrive raced by a second operator", redrive_raced_by_a_second_operator, actors=2, depth=0),
    Scenario(
        "redrive raced by a second operator, and fails again",
        redrive_raced_by_a_second_operator_and_fails_again,
        None,
        2,
        depth=0,
    ),
    Scenario("redrive raced by the worker", redrive_raced_by_the_worker, actors=2, depth=0),
    Scenario("redrive while the worker fails the task", redrive_while_the_worker_fails_the_task, None, 2, depth=0),
    Scenario("redrive that fails again", redrive_that_fails_again, Status.FAILED),
    Scenario("redriven late", late_redrive),
    Scenario("stale letter of an older epoch", stale_letter_of_an_older_epoch),
]
