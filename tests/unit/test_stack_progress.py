from __future__ import annotations

from ftask.deploy.stack_events import STACK_TYPE, StackEvent
from ftask.render.deploy import MAX_ROWS, StackProgress
from tests.support.clock import EPOCH, FakeClock
from tests.support.drawing import drawn


def event(name: str, status: str, resource_type: str = "T") -> StackEvent:
    return StackEvent(f"{name}{status}", EPOCH, name, resource_type, status, None)


def lines(progress: StackProgress) -> list[str]:
    return [" ".join(line.split()) for line in drawn(progress.draw(), 80).splitlines()]


def test_the_picture_has_what_is_in_progress_and_how_much_is_done() -> None:
    clock = FakeClock()
    progress = StackProgress("ftask-prod", clock)
    assert lines(progress) == ["ftask-prod waiting for CloudFormation 0 done, 0 in progress 0.0 s"]
    progress.add(event("ftask-prod", "CREATE_IN_PROGRESS", STACK_TYPE))
    progress.add(event("Table", "CREATE_IN_PROGRESS"))
    clock.advance(4)
    # CloudFormation says it twice: at the beginning, and once the resource has an id.
    progress.add(event("Table", "CREATE_IN_PROGRESS"))
    progress.add(event("Queue", "CREATE_IN_PROGRESS"))
    clock.advance(2)
    assert lines(progress) == [
        "ftask-prod CREATE_IN_PROGRESS 0 done, 2 in progress 6.0 s",
        "Table CREATE_IN_PROGRESS 6.0 s",
        "Queue CREATE_IN_PROGRESS 2.0 s",
    ]
    progress.add(event("Table", "CREATE_COMPLETE"))
    progress.add(event("Queue", "CREATE_FAILED"))
    assert lines(progress) == ["ftask-prod CREATE_IN_PROGRESS 1 done, 0 in progress 6.0 s"]


def test_a_rollback_takes_back_what_was_done() -> None:
    progress = StackProgress("ftask-prod", FakeClock())
    progress.add(event("Table", "CREATE_COMPLETE"))
    progress.add(event("ftask-prod", "ROLLBACK_IN_PROGRESS", STACK_TYPE))
    progress.add(event("Table", "DELETE_IN_PROGRESS"))
    assert lines(progress) == [
        "ftask-prod ROLLBACK_IN_PROGRESS 0 done, 1 in progress 0.0 s",
        "Table DELETE_IN_PROGRESS 0.0 s",
    ]


def test_the_picture_stays_small() -> None:
    progress = StackProgress("ftask-prod", FakeClock())
    for number in range(MAX_ROWS + 7):
        progress.add(event(f"R{number}", "CREATE_IN_PROGRESS"))
    shown = lines(progress)
    assert len(shown) == MAX_ROWS + 2
    assert shown[-1] == "and 7 more"
