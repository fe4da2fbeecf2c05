"""A request that the network kept for a while, and that reaches AWS a second time when the task has moved on."""

from __future__ import annotations

from tests.crash.stories.story import Scenario, expect_epoch, failed
from tests.crash.world import World


def a_delayed_copy_of_a_cancel_request(w: World) -> None:
    """The first copy was for an attempt that failed; the redriven task must be retried as if there were no second."""
    w.script = {(1, 1): lambda: _arrive_and_fail(w)}
    task = failed(w)
    w.redrive_surely()
    w.until_quiet()
    expect_epoch(w, task, 1)
    if len(w.witness.runs) != 2:
        w.violations.append("a later epoch was cancelled")


def _arrive_and_fail(w: World) -> None:
    (task_id,) = w.cloud.tasks()
    w.store.request_cancel(task_id, 0, w.clock())
    raise ValueError("as the script says")


SCENARIOS = [
    Scenario("a delayed copy of a cancel request", a_delayed_copy_of_a_cancel_request, depth=0),
]
