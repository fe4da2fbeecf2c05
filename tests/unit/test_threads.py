"""What a task does to its process, and what the tasks beside it see of that."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path

import pytest

from ftask.core.threads import THREADS, in_threads


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


def test_the_next_task_of_a_thread_finds_umask_and_context_as_they_were() -> None:
    left_behind: ContextVar[str] = ContextVar("left_behind", default="nothing")

    def spoil() -> None:
        os.umask(0o777)
        left_behind.set("something")

    def look() -> tuple[int, str]:
        return os.umask(0o022), left_behind.get()

    umask = os.umask(0o022)
    os.umask(umask)
    in_threads(call, [spoil] * 30)
    assert in_threads(call, [look] * 30) == [(umask, "nothing")] * 30


def test_the_threads_of_a_batch_run_the_next_one_too() -> None:
    together = threading.Barrier(THREADS)

    def meet() -> int:
        together.wait(60)
        return threading.get_ident()

    first = in_threads(call, [meet] * THREADS)
    assert len(set(first)) == THREADS
    assert set(in_threads(call, [meet] * THREADS)) == set(first)


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
