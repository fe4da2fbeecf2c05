"""An operator discards failed tasks: they leave the list, and nothing runs them again unasked."""

from __future__ import annotations

from ftask.core.model import Removal, RemovalKind, Status
from tests.crash.stories.story import Scenario, expect_epoch, failed
from tests.crash.world import World


def discard(w: World) -> None:
    tasks = [failed(w) for _ in range(2)]
    # Interrupted anywhere, and not repeated: each task is discarded, or still has its letter.
    w.discard()
    w.pass_seconds(61)
    w.discard_surely()
    for task in tasks:
        now = w.item(task.task_id)
        if now is None or now.removal is None:
            w.violations.append("a discarded task is still on the list")


def discard_that_is_not_repeated(w: World) -> None:
    for _ in range(2):
        failed(w)
    w.discard()
    w.until_quiet()


def redrive_after_a_discard(w: World) -> None:
    """The letter that an interrupted discard leaves is stale: a redrive of everything deletes it and runs nothing."""
    task = failed(w)
    w.discard_surely()
    w.redrive_surely()
    w.until_quiet()
    if w.witness.runs:
        w.violations.append("a discarded task ran")
    if w.cloud.letters():
        w.violations.append("the letter of a discarded task stays")
    with w.undisturbed():
        w.redrive_named(task)
        w.until_quiet()
    expect_epoch(w, task, 1)


def discard_raced_by_a_redrive(w: World) -> None:
    """The task runs if the redrive has sent its message, and stays discarded if not; it is never stuck."""
    failed(w)
    w.at_once(w.discard, w.redrive)
    w.until_quiet()


def a_delayed_copy_of_a_discard(w: World) -> None:
    """Its first copy was refused or served long ago; it must not hide what failed after a redrive."""
    w.script = {(1, 1): "permanent"}
    task = failed(w)
    w.redrive_surely()
    w.until_quiet()
    w.store.remove(task.task_id, 0, Removal(RemovalKind.DISCARDED, w.clock(), "an operator"))
    now = w.item(task.task_id)
    if now is None or now.removal is not None:
        w.violations.append("a later failure was discarded")


SCENARIOS = [
    Scenario("discard", discard, Status.FAILED),
    Scenario("discard that is not repeated", discard_that_is_not_repeated, Status.FAILED),
    Scenario("redrive after a discard", redrive_after_a_discard),
    Scenario("discard raced by a redrive", discard_raced_by_a_redrive, None, 2),
    Scenario("a delayed copy of a discard", a_delayed_copy_of_a_discard, Status.FAILED, depth=0),
]
