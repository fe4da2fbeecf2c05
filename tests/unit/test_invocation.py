"""What a command says of an engine that is no longer the one it worked with."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftask.core.errors import FtaskError
from ftask.home.state_folder import STATE_DIR_VARIABLE
from ftask.local.engine import Engine
from ftask.local.record import RootKey, RunningEngine
from tests.support.invocations import invocation


@pytest.mark.parametrize(("at_the_port", "ended"), [("the same", False), ("another", True), ("nothing", True)])
def test_an_error_after_the_engine_ended_says_so_whatever_answers_at_its_port(
    at_the_port: str, ended: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path))
    key = RootKey("a", "b")
    ours, theirs = RunningEngine(1, 4566, "ours", "1", 0.0, key), RunningEngine(2, 4566, "theirs", "1", 1.0, key)
    found = {"the same": ours, "another": theirs, "nothing": None}[at_the_port]
    monkeypatch.setattr(Engine, "crashed", lambda engine: False)
    monkeypatch.setattr(Engine, "ensure", lambda engine: (ours, False))
    monkeypatch.setattr(Engine, "running", lambda engine: found)
    run = invocation()
    assert run.target.endpoint_url == ours.endpoint_url
    advice = run.advice(FtaskError("The table is not there.", "Look elsewhere."))
    assert advice is not None
    assert ("The local engine has ended" in advice) == ended
    assert (advice == "Look elsewhere.") != ended
