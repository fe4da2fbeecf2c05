"""What a task does to its process, and what the tasks beside it see of that."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from ftask.core.threads import in_threads


def call(function: Callable[[], object]) -> object:
    try:
        return function()
    except Exception as error:  # noqa: BLE001
        return error


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has a working directory a thread")
def test_a_task_that_changes_the_working_directory_changes_it_for_nobody(tmp_path: Path) -> None:
    before = Path.cwd()
    changed, looked = threading.Event(), threading.Event()

    def change() -> Path:
        os.chdir(tmp_path)
        changed.set()
        assert looked.wait(60)
        return Path.cwd()

    def look() -> Path:
        assert changed.wait(60)
        try:
            return Path.cwd()
        finally:
            looked.set()

    assert in_threads(call, [change, look]) == [tmp_path, before]
    assert Path.cwd() == before


def test_the_next_task_of_a_thread_finds_the_working_directory_as_it_was(tmp_path: Path) -> None:
    before = Path.cwd()
    tasks: list[Callable[[], object]] = []
    for _ in range(30):
        tasks += [lambda: os.chdir(tmp_path), Path.cwd]
    assert in_threads(call, tasks)[1::2] == [before] * 30


def test_a_task_cannot_set_a_signal_handler_of_its_worker() -> None:
    before = signal.getsignal(signal.SIGTERM)
    (error,) = in_threads(call, [lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)])
    assert isinstance(error, ValueError)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_thread_that_a_task_leaves_running_holds_up_nobody() -> None:
    release = threading.Event()
    left = threading.Thread(target=release.wait)
    assert in_threads(call, [left.start, lambda: "done"]) == [None, "done"]
    assert left.is_alive()
    release.set()
    left.join()
