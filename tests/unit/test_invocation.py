"""What a command works with: a question may be left by Ctrl-C."""

from __future__ import annotations

import _thread
import io
import os
import pty
import sys
import threading

import pytest

from tests.support.invocations import invocation


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
