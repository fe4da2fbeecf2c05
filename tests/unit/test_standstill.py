from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ftask.cli.standstill import FIRST_SECONDS, NEXT_SECONDS, Standstill
from ftask.core.errors import FtaskError
from tests.support.clock import VirtualTime

TARGET = SimpleNamespace(stage_name="prod")


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[str | FtaskError]:
    """What the worker's mapping is at each look."""
    left: list[str | FtaskError] = []

    def look(stage: Any) -> str:
        now = left.pop(0)
        if isinstance(now, FtaskError):
            raise now
        return now

    monkeypatch.setattr("ftask.cli.standstill.state", look)
    return left


def watching(time: VirtualTime) -> Standstill:
    run: Any = SimpleNamespace(stage=SimpleNamespace(target=TARGET))
    return Standstill(run, time.clock)


def test_a_paused_stage_is_named_once_nothing_has_changed_for_a_while(states: list[str | FtaskError]) -> None:
    time = VirtualTime()
    standstill = watching(time)
    time.sleep(FIRST_SECONDS - 1)
    assert standstill.note(changed=False) is None
    time.sleep(1)
    states.append("Disabled")
    paused = "Stage prod is paused: no task runs. Let them run with: ftask resume --stage prod"
    assert standstill.note(changed=False) == standstill.reason == paused
    # It is said once, and looked at again only after a while.
    assert standstill.note(changed=False) is None
    time.sleep(NEXT_SECONDS)
    states.append("Disabled")
    assert standstill.note(changed=False) is None
    assert standstill.note(changed=True) is None
    assert standstill.reason is None


def test_a_deleted_mapping_is_named_with_its_repair(states: list[str | FtaskError]) -> None:
    states.append("Missing")
    assert "Recreate it with: ftask doctor --fix --stage prod" in str(watching(VirtualTime()).look())


def test_a_worker_that_consumes_or_may_not_be_seen_is_no_reason(states: list[str | FtaskError]) -> None:
    states += ["Enabled", FtaskError("AWS denied lambda:GetEventSourceMapping")]
    standstill = watching(VirtualTime())
    assert standstill.look() is None
    assert standstill.look() is None
