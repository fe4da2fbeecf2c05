"""An operator drains the dead-letter queue into a file."""

from __future__ import annotations

from ftask.core.model import Status
from tests.crash.stories.story import FOREIGN, Scenario, failed
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


SCENARIOS = [
    Scenario("drain", drain, Status.FAILED),
]
