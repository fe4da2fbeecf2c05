"""An operator drains the dead-letter queue into a file."""

from __future__ import annotations

from ftask.core.codec import encode_message
from ftask.core.model import Message, Status
from tests.crash.stories.story import FOREIGN, Scenario, delivered, failed
from tests.crash.world import World


def drain(w: World) -> None:
    for _ in range(3):
        failed(w)
    with w.undisturbed():
        w.dead_letters.send(FOREIGN, {})
        before = set(w.cloud.letters())
    w.drain_surely()
    if not before <= {*w.drained, *w.cloud.letters()}:
        w.violations.append("a drained letter is lost")
    # What is in the file may be submitted from it: a redrive of the whole list must not run it as well.
    if any(task.removal is None for task in w.cloud.tasks().values()):
        w.violations.append("a drained task is still on the list of failed tasks")


def drain_of_a_stale_letter(w: World) -> None:
    """An interrupted redrive has left it behind; its task has ended since."""
    task = failed(w)
    with w.undisturbed():
        w.redrive()
        w.until_quiet()
        w.dead_letters.send(encode_message(Message(task.task_id, 0)), {})
    w.drain_surely()
    if w.drained:
        w.violations.append("finished work was drained")
    if w.cloud.letters():
        w.violations.append("a stale letter stays")


def drain_while_the_worker_fails_the_task(w: World) -> None:
    w.script = {(0, 1): "permanent"}
    delivery = delivered(w)
    w.at_once(lambda: w.work(delivery), w.drain)
    w.until_quiet()
    w.pass_seconds(61)
    w.drain_surely()
    if w.cloud.letters():
        w.violations.append("a letter stays")


def drain_that_is_not_repeated(w: World) -> None:
    """Interrupted anywhere: each letter is in the file or waits for an operator."""
    for _ in range(2):
        failed(w)
    w.drain()
    w.until_quiet()
    for task in w.cloud.tasks().values():
        if task.removal is not None and encode_message(Message(task.task_id, task.epoch)) not in w.drained:
            w.violations.append("a task left the list of failed tasks, and is not in the file")


SCENARIOS = [
    Scenario("drain", drain, Status.FAILED),
    Scenario("drain that is not repeated", drain_that_is_not_repeated, Status.FAILED),
    Scenario("drain of a stale letter", drain_of_a_stale_letter),
    Scenario("drain while the worker fails the task", drain_while_the_worker_fails_the_task, Status.FAILED, 2),
]
