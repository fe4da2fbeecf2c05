"""Async tasks share the event loop of their process; what an attempt starts ends with it."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ftask.core.ports import Job
from ftask.tasks.context import current
from ftask.tasks.declaration import Registry, task
from ftask.tasks.worker import handler
from tests.support.jobs import a_job

Handle = Callable[[Job], Any]


@pytest.fixture
def handle(registry: Registry) -> Handle:
    return handler(registry, lambda _: None)


def both(handle: Handle, *jobs: Job) -> list[Any]:
    with ThreadPoolExecutor(len(jobs)) as threads:
        return list(threads.map(handle, jobs))


def test_a_lock_and_a_client_of_the_module_work_in_each_attempt(handle: Handle) -> None:
    lock, at_the_door = asyncio.Lock(), asyncio.Barrier(2)

    @task
    async def meet(name: str) -> list[Any]:
        await at_the_door.wait()
        async with lock:
            await asyncio.sleep(0)
        return [name, current().task_id]

    for _ in range(2):  # the second pair after the loop has been idle
        met = both(handle, a_job("meet", {"name": "a"}, "a" * 32), a_job("meet", {"name": "b"}, "b" * 32))
        assert met == [["a", "a" * 32], ["b", "b" * 32]]


def test_what_an_attempt_leaves_running_ends_with_it_and_is_said(
    handle: Handle, caplog: pytest.LogCaptureFixture
) -> None:
    ended, neighbour_may_end = [], asyncio.Event()

    @task
    async def leave() -> str:
        async def forever() -> None:
            try:
                await asyncio.sleep(60)
            finally:
                ended.append(current().task_id)

        leave.background = asyncio.create_task(forever(), name="heartbeat")  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        return "left"

    @task
    async def neighbour() -> str:
        async def wait() -> str:
            await neighbour_may_end.wait()
            return "unharmed"

        return await asyncio.create_task(wait())

    @task
    async def release() -> None:
        neighbour_may_end.set()

    with ThreadPoolExecutor(1) as threads:
        beside = threads.submit(handle, a_job("neighbour"))
        assert handle(a_job("leave", task_id="a" * 32)) == "left"
        assert ended == ["a" * 32]
        handle(a_job("release"))
        assert beside.result() == "unharmed"
    warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert [text.partition(". ")[0] for text in warnings] == [
        "The attempt ended before asyncio tasks that it had started, which are cancelled: heartbeat"
    ]


def test_an_asyncio_task_that_exits_ends_no_other_attempt(handle: Handle) -> None:
    @task
    async def leave() -> str:
        async def stop() -> None:
            raise SystemExit(3)

        stopped = asyncio.create_task(stop())
        await asyncio.wait([stopped])
        return repr(stopped.exception())

    assert handle(a_job("leave")) == "SystemExit(3)"
    assert handle(a_job("leave")) == "SystemExit(3)"


def test_an_async_task_works_in_the_folder_of_its_caller(
    handle: Handle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @task
    async def where(to: str) -> str:
        found = str(Path.cwd())
        os.chdir(to)
        return found

    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        monkeypatch.chdir(folder)
        assert handle(a_job("where", {"to": "/"})) == str(folder)
        assert str(Path.cwd()) == str(folder)


FORKS = """
import asyncio, os
from ftask import task, testing

def fork():
    pid = os.fork()
    return "a child" if pid == 0 else ["the worker", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])]

@task
def forks():
    return fork()

@task
async def forks_in_the_loop():
    return fork()

@task
def forks_and_fails():
    if isinstance(answer := fork(), str):
        raise ValueError(answer)
    return answer

for each in (forks, forks_in_the_loop, forks_and_fails):
    print(testing.run(each).result, flush=True)
"""


def test_a_process_that_a_task_forks_reports_for_no_attempt() -> None:
    done = subprocess.run([sys.executable, "-c", FORKS], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == ["['the worker', 0]", "['the worker', 0]", "['the worker', 1]"]
    assert "ValueError: a child" in done.stderr
