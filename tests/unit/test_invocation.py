"""What a command works with: the engine may have ended meanwhile, and a question may be left by Ctrl-C."""

from __future__ import annotations

import _thread
import io
import os
import pty
import sys
import threading
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
    monkeypatch.setattr(Engine, "running", lambda engine: ours)
    run = invocation()
    assert run.target.endpoint_url == ours.endpoint_url
    monkeypatch.setattr(Engine, "running", lambda engine: found)
    advice = run.advice(FtaskError("The table is not there.", "Look elsewhere."))
    assert advice is not None
    assert ("The local engine has ended" in advice) == ended
    assert (advice == "Look elsewhere.") != ended


def test_a_ctrl_c_that_comes_just_before_the_answer_is_read_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, its_other_side = pty.openpty()
    asked, left = threading.Event(), threading.Event()

    class Prompt(io.StringIO):
        def isatty(self) -> bool:
            return True

        def flush(self) -> None:
            asked.set()

    def press() -> None:
        asked.wait()
        _thread.interrupt_main()  # Python is to look at the signal, and no read has been ended by it
        if not left.wait(20):
            os.write(terminal, b"y\n")

    pressing = threading.Thread(target=press)
    with os.fdopen(its_other_side) as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stderr", Prompt())
        pressing.start()
        try:
            with pytest.raises(KeyboardInterrupt):
                invocation().confirm("Change the stack?", yes=False)
            in_time = pressing.is_alive()
        finally:
            left.set()
            pressing.join()
            os.close(terminal)
    assert in_time
