"""A task ends its worker, and other tasks were running in it: none of them pays for that."""

from __future__ import annotations

from collections.abc import Callable

from ftask.core.model import Outcome, Status
from tests.crash.stories.story import Scenario
from tests.crash.wire import Fault
from tests.crash.world import Script, World

DIE: Script = {(epoch, attempt): "die" for epoch in (0, 1) for attempt in (1, 2, 3)}
HANG: Script = {(0, 1): "hang", (0, 2): "hang"}


def together(*bad: str, max_attempts: int, second: str = "good") -> Callable[[World], None]:
    """A bad task and others in one worker, again and again until all have ended."""

    def tell(w: World) -> None:
        w.scripts = {"bad": {"die": DIE, "hang": HANG}[bad[0]], "worse": DIE}
        w.max_attempts = max_attempts
        w.batch = 2
        with w.undisturbed():
            w.submit("bad")
            w.submit(second)
        w.until_quiet()
        expect_that_only_the_bad_have_failed(w)

    return tell


def expect_that_only_the_bad_have_failed(w: World) -> None:
    for task in w.cloud.tasks().values():
        good = "good" in (task.payload or "")
        if task.status is not (Status.COMPLETED if good else Status.FAILED):
            w.violations.append(f"a {'good' if good else 'bad'} task ended {task.status}")


def an_outcome_that_is_not_written(w: World) -> None:
    """The table does not take an outcome: that uses up nobody's last attempt where others ran beside it."""
    w.max_attempts = 1
    w.batch = 2
    with w.undisturbed():
        w.submit("good")
        w.submit("good")
    w.until_quiet()
    expect_that_only_the_bad_have_failed(w)


def a_redriven_killer(w: World) -> None:
    """What was found out about it in one epoch holds in the next one: nobody is disturbed again."""
    w.scripts = {"bad": DIE}
    w.max_attempts = 1
    w.batch = 2
    with w.undisturbed():
        bad = w.submit("bad")
        w.until_quiet()
        w.redrive()
        good = w.submit("good")
    assert bad is not None
    assert good is not None
    w.until_quiet()
    expect_that_only_the_bad_have_failed(w)
    innocent = w.item(good.task_id)
    if innocent is not None and any(attempt.outcome is Outcome.LOST for attempt in innocent.history):
        w.violations.append("a task that was known to end its worker ended another one's attempt")


def a_worker_that_dies_while_its_child_runs(w: World) -> None:
    """A suspect runs in a child, when a new bad task ends the worker: the child must not go on."""
    w.scripts = {"good": {(0, 1): "die"}, "bad": DIE}
    w.max_attempts = 3
    w.batch = 2
    with w.undisturbed():
        w.submit("good")
        delivery = w.cloud.receive()
        assert delivery is not None
        w.work(delivery)
        w.submit("bad")
        w.pass_seconds(130)
    w.until_quiet()
    expect_that_only_the_bad_have_failed(w)


def no_child_is_free(w: World) -> None:
    """A suspect that finds no child is given back, which costs none of its attempts."""
    w.script = {(0, 1): "die"}
    w.busy_children = 2
    with w.undisturbed():
        w.submit()
    w.until_quiet()


class _SlowBegin:
    """A table whose first begin takes eleven seconds of a worker's twenty."""

    def __init__(self, w: World) -> None:
        self._store, self._world, self._was_slow = w.store, w, False

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)

    def begin(self, *arguments: object) -> object:
        if not self._was_slow:
            self._was_slow = True
            self._world.pass_seconds(11)
        return self._store.begin(*arguments)  # type: ignore[arg-type]


def slow_begin(*, cancelled: bool = False) -> Callable[[World], None]:
    """What cannot get its time gives its attempt back, which costs none of its only one."""

    def tell(w: World) -> None:
        w.max_attempts = 1
        with w.undisturbed():
            task = w.submit()
            assert task is not None
            delivery = w.cloud.receive()
            assert delivery is not None
        w.store = _SlowBegin(w)  # type: ignore[assignment]
        if cancelled:
            w.at_once(lambda: w.work(delivery), lambda: w.cancel(task.task_id))
        else:
            w.work(delivery)
        w.until_quiet()

    return tell


def begin_whose_answer_never_comes(w: World) -> None:
    """The worker gives up on it, and gives back the attempt that was begun all the same."""
    w.max_attempts = 1
    with w.undisturbed():
        task = w.submit()
        assert task is not None
    w.until_quiet()
    ended = w.item(task.task_id)
    begin = w.wire.calls.index("UpdateItem")
    if w.wire.fired == {begin} and (ended is None or ended.status is not Status.COMPLETED):
        w.violations.append("a lost answer used up an attempt")


def take_over_raced_by_a_cancel(w: World) -> None:
    """Nothing begins once the operator's wish is written, though the worker has read the task before that."""
    w.script = {(0, 1): "die"}
    with w.undisturbed():
        task = w.submit()
        assert task is not None
        delivery = w.cloud.receive()
        assert delivery is not None
        w.work(delivery)
        w.pass_seconds(130)
    heard: list[bool] = []
    runs_before: list[int] = []

    def cancel() -> None:
        heard.append(w.cancel(task.task_id))
        runs_before.append(len(w.witness.runs))

    w.at_once(w.pump, cancel)
    w.until_quiet()
    if heard == [True] and len(w.witness.runs) > runs_before[0]:
        w.violations.append("an attempt began after the cancellation")


SCENARIOS = [
    Scenario("a task kills its worker beside another", together("die", max_attempts=1), None, 2, 0, departures=1),
    Scenario("a task kills its worker, and more dies", together("die", max_attempts=2), None, 2, departures=0),
    Scenario("a task hangs beside another", together("hang", max_attempts=1), None, 2, 0, departures=1),
    Scenario("two tasks kill their worker", together("die", max_attempts=1, second="worse"), None, 2, 0, departures=1),
    Scenario(
        "an outcome is not written beside another",
        an_outcome_that_is_not_written,
        actors=2,
        faults=(Fault.THROTTLE, Fault.FAIL_AFTER),
        departures=1,
    ),
    Scenario("a killer is redriven", a_redriven_killer, None, 2, 0, departures=1),
    Scenario("a worker dies while its child runs", a_worker_that_dies_while_its_child_runs, None, 2, 0, departures=1),
    Scenario("no child is free", no_child_is_free),
    Scenario("a begin leaves too little time", slow_begin()),
    Scenario("a begin leaves too little time, and the task is cancelled", slow_begin(cancelled=True), None, 2, 0),
    Scenario(
        "a begin's answer never comes", begin_whose_answer_never_comes, None, faults=(Fault.FAIL_AFTER, Fault.THROTTLE)
    ),
    Scenario("a take-over raced by a cancellation", take_over_raced_by_a_cancel, None, 2, 0),
]
