from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.aws.worker_check import WorkerCheck
from ftask.cli.standstill import FIRST_SECONDS, NEXT_SECONDS, Standstill
from ftask.core.errors import FtaskError
from tests.support.clock import VirtualTime

OK = WorkerCheck({})
BROKEN = WorkerCheck({"tasks": "ImportError: libpq.so.5"})
PAUSED = "Stage prod is paused: no task runs. Let them run with: ftask resume --stage prod"
CANNOT_RUN = (
    "The worker cannot run tasks. Failed: tasks (ImportError: libpq.so.5)."
    " Correct the project, then run: ftask deploy --stage prod"
)


class World:
    """A stage whose mapping has a state, and whose worker gives an answer; it counts how often it is looked at."""

    def __init__(self, state: str | FtaskError = "Enabled", worker: WorkerCheck | FtaskError = OK) -> None:
        self.state, self.worker = state, worker
        self.looks = 0
        self.time = VirtualTime()
        # Of those that have begun, and not yet ended.
        self.pending: list[Callable[[], None]] = []
        lambda_ = SimpleNamespace(get_event_source_mapping=self._mapping)
        self.stage: Any = SimpleNamespace(
            target=SimpleNamespace(stage_name="prod", default_stage="local", lambda_=lambda_),
            outputs=SimpleNamespace(worker_source="mapping"),
            check_worker=lambda: _raised(self.worker),
        )
        run: Any = SimpleNamespace(stage=self.stage)
        self.standstill = Standstill(run, self.time.clock, self._begin)

    def _mapping(self, UUID: str) -> Any:  # noqa: N803 - boto3's name
        self.looks += 1
        return {"State": _raised(self.state)}

    def _begin(self, work: Callable[[], str | None]) -> Future[str | None]:
        future: Future[str | None] = Future()
        self.pending.append(lambda: future.set_result(work()))
        return future

    def end_look(self) -> None:
        self.pending.pop()()

    def nothing_for(self, seconds: float) -> str | None:
        """Let the time pass without a change; return what is new."""
        self.time.sleep(seconds)
        return self.standstill.note(changed=False)


def _raised(value: Any) -> Any:
    if isinstance(value, FtaskError):
        raise value
    return value


def looked(world: World) -> str | None:
    """What is new once the look that begins after a while without a change has ended."""
    assert world.nothing_for(FIRST_SECONDS) is None
    world.end_look()
    return world.nothing_for(1)


def test_a_worker_that_cannot_run_tasks_is_named_with_its_cure_after_15_seconds_without_progress() -> None:
    world = World(worker=BROKEN)
    assert FIRST_SECONDS == 15
    assert world.nothing_for(FIRST_SECONDS - 1) is None
    assert not world.pending
    assert world.nothing_for(1) is None
    world.end_look()
    assert world.nothing_for(1) == world.standstill.reason == CANNOT_RUN


def test_a_paused_stage_is_named_once_and_looked_at_again_after_a_while() -> None:
    world = World("Disabled")
    assert looked(world) == PAUSED
    assert world.nothing_for(NEXT_SECONDS - 1) is None
    assert not world.pending
    assert world.nothing_for(1) is None
    world.end_look()
    assert world.nothing_for(1) is None
    assert world.looks == 2
    world.standstill.note(changed=True)
    assert world.standstill.reason is None


def test_an_answer_that_comes_after_a_change_says_nothing() -> None:
    world = World(worker=BROKEN)
    world.nothing_for(FIRST_SECONDS)
    world.standstill.note(changed=True)
    world.end_look()
    assert world.nothing_for(1) is None


def test_a_deleted_mapping_is_named_with_its_repair(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "Recreate it with: ftask doctor --fix --stage prod" in str(looked(World("Missing")))


@pytest.mark.parametrize(
    "world",
    [World(), World(FtaskError("AWS denied it")), World(worker=FtaskError("AWS denied it"))],
    ids=["it runs tasks", "its mapping may not be seen", "it may not be asked"],
)
def test_a_worker_that_runs_tasks_or_may_not_be_asked_is_no_reason(world: World) -> None:
    assert looked(world) is None
    assert world.standstill.reason is None


def test_the_end_of_a_wait_waits_for_the_answer() -> None:
    world = World(worker=BROKEN)
    run: Any = SimpleNamespace(stage=world.stage)
    assert Standstill(run).look() == CANNOT_RUN
