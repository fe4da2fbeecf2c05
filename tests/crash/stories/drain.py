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


SCENARIOS = [
    Scenario("drain", drain, Status.FAILED),
    Scenario("drain of a stale letter", drain_of_a_stale_letter),
    Scenario("drain while the worker fails the task", drain_while_the_worker_fails_the_task, Status.FAILED, 2),
]
