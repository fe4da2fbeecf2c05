"""An operator cancels a task: before, during and after an attempt, beside a second operator."""

from __future__ import annotations

from collections.abc import Callable

from ftask.core.model import Status
from tests.crash.stories.story import Scenario, delivered, expect_epoch, failed
from tests.crash.world import World


def cancel_before_the_first_attempt(w: World) -> None:
    with w.undisturbed():
        task = w.submit()
        assert task is not None
    w.cancel_surely(task.task_id)
    w.until_quiet()
    if w.witness.runs:
        w.violations.append("a cancelled task ran")


def cancel_during_the_backoff(w: World) -> None:
    w.script = {(0, 1): "fail"}
    with w.undisturbed():
        task = w.submit()
        delivery = w.cloud.receive()
        assert task is not None
        assert delivery is not None
        w.work(delivery)
    w.cancel_surely(task.task_id)
    w.until_quiet()
    if len(w.witness.runs) != 1:
        w.violations.append("a cancelled task was retried")


def cancel_during_an_attempt(act: str, *, max_attempts: int = 2) -> Callable[[World], None]:
    """The attempt may end; whatever it comes to, none follows one that was under way when the wish was noted."""

    def tell(w: World) -> None:
        w.script = {(0, 1): act}
        w.max_attempts = max_attempts
        delivery = delivered(w)
        (task_id,) = w.cloud.tasks()
        heard: list[bool] = []
        w.at_once(lambda: w.work(delivery), lambda: heard.append(w.cancel(task_id)))
        if heard != [True]:
            w.cancel_surely(task_id)
        runs = len(w.witness.runs)
        w.until_quiet()
        if len(w.witness.runs) != runs:
            w.violations.append("a cancelled task was retried")

    return tell


def cancel_raced_by_a_whole_attempt(w: World) -> None:
    """The operator read the task before an attempt that failed; writing what was read would forget that attempt."""
    w.script = {(0, 1): "fail"}
    delivery = delivered(w)
    (task_id,) = w.cloud.tasks()
    w.at_once(lambda: w.work(delivery), lambda: w.cancel(task_id))
    w.until_quiet()
    task = w.item(task_id)
    if task is None or len(task.history) != len(w.witness.runs):
        w.violations.append("an attempt is forgotten")


def cancel_by_two_operators(w: World) -> None:
    """The second one must not write over what the first one wrote."""
    with w.undisturbed():
        task = w.submit()
        assert task is not None
    task_id = task.task_id

    def a_second_later() -> None:
        w.pass_seconds(1)
        w.cancel(task_id)

    w.at_once(lambda: w.cancel(task_id), a_second_later)
    w.until_quiet()


def cancel_a_redriven_task(w: World) -> None:
    task = failed(w)
    w.redrive_surely()
    w.cancel_surely(task.task_id)
    w.until_quiet()
    expect_epoch(w, task, 1)
    if w.witness.runs:
        w.violations.append("a cancelled task ran")
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()
    if w.witness.runs or w.cloud.letters():
        w.violations.append("a cancelled task was redriven")


SCENARIOS = [
    Scenario("cancel before the first attempt", cancel_before_the_first_attempt, Status.CANCELLED),
    Scenario("cancel during the backoff", cancel_during_the_backoff, Status.CANCELLED),
    Scenario("cancel while an attempt succeeds", cancel_during_an_attempt("ok"), None, 2, depth=0),
    Scenario("cancel while an attempt fails", cancel_during_an_attempt("fail"), None, 2, depth=0),
    Scenario("cancel while the last attempt fails", cancel_during_an_attempt("fail", max_attempts=1), None, 2, depth=0),
    Scenario("cancel while the worker dies", cancel_during_an_attempt("die"), None, 2),
    Scenario("cancel raced by a whole attempt", cancel_raced_by_a_whole_attempt, None, 2, depth=0),
    Scenario("cancel by two operators", cancel_by_two_operators, Status.CANCELLED, 2, depth=0),
    Scenario("cancel a redriven task", cancel_a_redriven_task, Status.CANCELLED),
]
