"""Tasks that are due later, and long backoffs: in the queue, in schedules that are early, fire twice or are lost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from ftask.core.due import Due
from ftask.core.model import Task
from tests.crash.stories.story import Scenario
from tests.crash.wire import Fault
from tests.crash.world import World

MINUTES = timedelta(minutes=10)
DAYS = timedelta(days=40)


def _submitted(w: World, delay: timedelta) -> Task:
    """A delayed task whose message a worker has seen, undisturbed."""
    with w.undisturbed():
        task = w.submit(due=Due(delay=delay))
        assert task is not None
        w.witness.due[task.task_id] = w.clock() + delay
        w.pump()
    return task


def delayed(delay: timedelta) -> Callable[[World], None]:
    def tell(w: World) -> None:
        due = w.clock() + delay
        task = w.submit(due=Due(delay=delay))
        for known in w.cloud.tasks():
            w.witness.due[known] = due
        w.until_quiet()
        if task is not None and len(w.witness.runs) != 1 and not w.wire.fired:
            w.violations.append("a delayed task did not run once")

    return tell


def fired_twice(w: World) -> None:
    _submitted(w, DAYS)
    firing = w.cloud.next_schedule()
    assert firing is not None
    w.clock.now = firing
    w.send_raw(w.cloud.fire(is_deleted=False))
    w.until_quiet()
    if len(w.witness.runs) != 1 and not w.wire.fired:
        w.violations.append("a schedule that fired twice ran its task more than once")


def lost(w: World) -> None:
    """Nothing sends the message; an operator finds the task overdue."""
    _submitted(w, DAYS)
    w.cloud.lose_schedules()
    w.clock.advance(DAYS.total_seconds() + 600)
    w.repair()
    w.until_quiet()


def long_backoff(w: World) -> None:
    w.script = {(0, 1): "later"}
    with w.undisturbed():
        assert w.submit() is not None
    w.until_quiet()


def cancelled_raced_by_its_firing(w: World) -> None:
    task = _submitted(w, DAYS)
    w.clock.now += DAYS
    w.send_raw(w.cloud.fire())
    heard: list[bool] = []
    w.at_once(w.pump, lambda: heard.append(w.cancel(task.task_id)))
    if heard != [True]:
        w.cancel_surely(task.task_id)
    runs = len(w.witness.runs)
    w.until_quiet()
    if len(w.witness.runs) != runs:
        w.violations.append("a cancelled task ran")


def rescheduled_raced_by_its_firing(w: World) -> None:
    """The new time holds, or the task had begun."""
    task = _submitted(w, DAYS)
    w.clock.now += DAYS
    w.send_raw(w.cloud.fire())
    new = w.clock() + DAYS
    w.at_once(w.pump, lambda: w.reschedule(task.task_id, new))
    w.until_quiet()
    # The operator may have been interrupted between the write and the message.
    w.clock.now = max(w.clock.now, new + timedelta(minutes=10))
    w.repair()
    w.until_quiet()


def brought_forward(w: World) -> None:
    """Interrupted after the write, the task is overdue until an operator repairs it."""
    task = _submitted(w, DAYS)
    w.witness.due.clear()
    w.reschedule(task.task_id, None)
    w.clock.advance(120)
    w.repair()
    w.until_quiet()


SCENARIOS = [
    Scenario("delayed by minutes", delayed(MINUTES)),
    Scenario("delayed by days", delayed(DAYS), depth=2),
    Scenario("a schedule that fires twice", fired_twice),
    Scenario("a schedule that is lost", lost),
    Scenario("a long backoff", long_backoff),
    Scenario("a cancel raced by the firing", cancelled_raced_by_its_firing, ends=None, actors=2),
    Scenario("a new time raced by the firing", rescheduled_raced_by_its_firing, actors=2, faults=(Fault.DIE_AFTER,)),
    Scenario("a task that is brought forward", brought_forward),
]
