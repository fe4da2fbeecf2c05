"""Firings of recurring schedules: twice, over each other, in a pause, and of a task that is redriven."""

from __future__ import annotations

from datetime import datetime, timedelta

from ftask.core.firings import Firing, encode_firing
from ftask.core.model import Status, Task
from tests.crash import own_tasks
from tests.crash.stories.story import Scenario
from tests.crash.wire import Fault
from tests.crash.world import World

MINUTE = timedelta(minutes=1)
SKIPS, QUEUES, FAILS = own_tasks.report.__name__, own_tasks.sync.__name__, own_tasks.doomed.__name__


def fire(w: World, schedule: str, at: datetime) -> None:
    w.send_raw(encode_firing(schedule, at))


def made(w: World, schedule: str, at: datetime) -> Task | None:
    return w.item(Firing(schedule, at).task_id)


def require_ended(w: World, schedule: str, *times: datetime, status: Status = Status.COMPLETED) -> None:
    # Two workers that die use up both attempts.
    ends = {status, Status.FAILED} if len(w.wire.fired) > 1 else {status}
    for at in times:
        task = made(w, schedule, at)
        if task is None or task.status not in ends:
            w.violations.append(f"a firing's task is {task.status if task else 'missing'}, not {status}")


def fires(w: World) -> None:
    at = w.clock()
    fire(w, SKIPS, at)
    w.until_quiet()
    require_ended(w, SKIPS, at)


def fires_twice(w: World) -> None:
    at = w.clock()
    fire(w, SKIPS, at)
    fire(w, SKIPS, at)
    w.at_once(w.pump, w.pump)
    w.until_quiet()
    require_ended(w, SKIPS, at)
    if len(w.cloud.tasks()) != 1 or (len(w.witness.runs) != 1 and not w.wire.fired):
        w.violations.append("a firing that came twice ran more than once")


def overlapping(w: World) -> None:
    """One of them runs, or one after the other."""
    w.witness.alone.add(SKIPS)
    first = w.clock()
    w.clock.now += MINUTE
    fire(w, SKIPS, first)
    fire(w, SKIPS, first + MINUTE)
    w.at_once(w.pump, w.pump)
    w.until_quiet()
    tasks = w.cloud.tasks().values()
    if not tasks or any(task.status is not Status.COMPLETED for task in tasks):
        w.violations.append("no firing ran, or one did not end")


def queueing(w: World) -> None:
    w.witness.alone.add(QUEUES)
    first = w.clock()
    w.clock.now += MINUTE
    fire(w, QUEUES, first)
    fire(w, QUEUES, first + MINUTE)
    w.at_once(w.pump, w.pump)
    w.until_quiet()
    require_ended(w, QUEUES, first, first + MINUTE)


def skipped_and_delivered_again(w: World) -> None:
    first = w.clock()
    with w.undisturbed():
        w.firings().admit(Firing(SKIPS, first))  # its worker is slow
    w.clock.now += MINUTE
    fire(w, SKIPS, first + MINUTE)
    w.pump()
    fire(w, SKIPS, first)
    w.until_quiet()
    fire(w, SKIPS, first + MINUTE)
    w.until_quiet()
    require_ended(w, SKIPS, first)
    if made(w, SKIPS, first + MINUTE) is not None and not w.wire.fired:
        w.violations.append("a firing that was skipped ran later")


def paused(w: World) -> None:
    at = w.clock()
    fire(w, SKIPS, at)
    w.at_once(w.pump, lambda: w.records.pause(SKIPS, at))
    w.until_quiet()
    with w.undisturbed():
        w.records.pause(SKIPS, at)
    w.clock.now += MINUTE
    fire(w, SKIPS, at + MINUTE)
    w.until_quiet()
    if made(w, SKIPS, at + MINUTE) is not None:
        w.violations.append("a paused schedule made a task")
    with w.undisturbed():
        w.records.resume(SKIPS)
    w.clock.now += MINUTE
    fire(w, SKIPS, at + 2 * MINUTE)
    w.until_quiet()
    require_ended(w, SKIPS, at + 2 * MINUTE)


def redriven(w: World) -> None:
    """The firing comes once more after the redrive, and the next one meanwhile."""
    at = w.clock()
    with w.undisturbed():
        fire(w, FAILS, at)
        w.until_quiet()
    require_ended(w, FAILS, at, status=Status.FAILED)
    w.redrive_surely()
    fire(w, FAILS, at)
    w.until_quiet()
    require_ended(w, FAILS, at)


SCENARIOS = [
    Scenario("a firing", fires, ends=None),
    Scenario("a firing that comes twice", fires_twice, ends=None, actors=2),
    Scenario("firings that overlap", overlapping, ends=None, actors=2),
    Scenario("firings that queue", queueing, ends=None, actors=2, faults=(Fault.DIE_AFTER,)),
    Scenario("a skipped firing that is delivered again", skipped_and_delivered_again, ends=None),
    Scenario("a pause raced by a firing", paused, ends=None, actors=2, faults=(Fault.DIE_AFTER,)),
    Scenario("redrive of a scheduled task", redriven, ends=None),
]
