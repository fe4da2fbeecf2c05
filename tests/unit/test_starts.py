"""Which starts of attempts are logged."""

from __future__ import annotations

import threading

from ftask.core import events
from ftask.core.events import Event
from ftask.core.starts import Starts
from tests.support.builders import a_running_task

# How often the thread looks at the time that stands still.
SOON = 0.01
NEVER = 3600.0


class Written:
    """What was logged, and a wait for a further line."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self._is_new = threading.Semaphore(0)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        self._is_new.release()

    def wait(self) -> None:
        assert self._is_new.acquire(timeout=30)


def start(task_id: str) -> Event:
    return events.started(a_running_task(task_id=task_id), 0)


def test_an_attempt_that_runs_on_is_logged_and_one_that_has_ended_is_not() -> None:
    written, seconds = Written(), [0.0]
    starts = Starts(written, SOON, lambda: seconds[0])
    for invocation in range(2):
        ended, running = start(f"ended-{invocation}"), start(f"running-{invocation}")
        starts.begin(ended)
        starts.end(ended)
        starts.begin(running)
        seconds[0] += 1
        written.wait()
        starts.end(running)
    assert [event.fields["taskId"] for event in written.events] == ["running-0", "running-1"]


def test_an_invocation_that_ends_leaves_no_start_behind() -> None:
    written = Written()
    starts = Starts(written, NEVER)
    starts.begin(start("ended"))
    starts.begin(start("left"))
    starts.end(start("ended"))
    starts.end_all()
    starts.end_all()
    assert [event.fields["taskId"] for event in written.events] == ["left"]


def test_without_a_delay_each_start_is_logged_at_once() -> None:
    written = Written()
    Starts(written, 0.0).begin(start("a"))
    assert len(written.events) == 1
