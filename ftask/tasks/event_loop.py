"""The event loop of this process, in a thread of its own.

All async tasks share it, those of one batch at the same time, so that what their module makes once (a client, a lock)
works in each attempt.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Coroutine
from contextlib import suppress
from contextvars import ContextVar
from typing import Any
from weakref import WeakSet

from ftask.core.errors import TimedOut
from ftask.core.threads import current_umask, have_a_folder_of_its_own
from ftask.tasks.context import Run, ends_here

# How long asyncio tasks that an attempt left behind may take to end.
END_SECONDS = 1.0

_Tasks = WeakSet[asyncio.Task[Any]]
# The asyncio tasks that the attempt started: each context is one attempt's.
_started: ContextVar[_Tasks] = ContextVar("ftask_asyncio_tasks")
_lock = threading.Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
_attempts: set[Run] = set()


def run_coroutine(coroutine: Coroutine[Any, Any, Any], run: Run, limit: str) -> Any:
    """Return the result of a coroutine of the attempt `run`, which is cancelled at the attempt's deadline.

    The asyncio tasks that it leaves behind end with it.

    Raises:
        TimedOut: the deadline came first; `limit` says why it is there.
        BaseException: the coroutine raised it.
    """
    attempt = _attempt(coroutine, run, limit, _folder(), current_umask())
    ended = asyncio.run_coroutine_threadsafe(attempt, _loop())
    try:
        result, error = ended.result()
    except BaseException:  # Ctrl-C
        ended.cancel()
        raise
    if error is not None:
        raise error
    return result


async def _attempt(
    coroutine: Coroutine[Any, Any, Any], run: Run, limit: str, folder: str | None, umask: int
) -> tuple[Any, BaseException | None]:
    """Return the result, or what was raised: what is not an `Exception` would end the loop."""
    if not _attempts and folder is not None:
        with suppress(OSError):
            os.chdir(folder)
        os.umask(umask)
    _attempts.add(run)
    started: _Tasks = WeakSet()
    _started.set(started)
    try:
        with ends_here():
            return await _until_the_deadline(coroutine, run, limit), None
    except BaseException as error:  # noqa: BLE001 - raised where the attempt is waited for
        return None, error
    finally:
        await _end(started)
        _attempts.discard(run)


async def _until_the_deadline(coroutine: Coroutine[Any, Any, Any], run: Run, limit: str) -> Any:
    allowed = asyncio.timeout(run.remaining())
    start = asyncio.get_running_loop().time()
    try:
        async with allowed:
            return await coroutine
    except TimeoutError as error:
        # A TimeoutError of the task's own says something else.
        if not allowed.expired():
            raise
        seconds = asyncio.get_running_loop().time() - start
        raise TimedOut(f"The task was cancelled after {seconds:.1f} s: {limit}.") from error


async def _end(started: _Tasks) -> None:
    left = {task for task in started if not task.done()}
    if not left:
        return
    logging.getLogger("ftask").warning(
        "The attempt ended before asyncio tasks that it had started, which are cancelled: %s. Await them in the task.",
        ", ".join(sorted(task.get_name() for task in left)),
    )
    for task in left:
        task.cancel()
    await asyncio.wait(left, timeout=END_SECONDS)


def _loop() -> asyncio.AbstractEventLoop:
    with _lock:
        # The thread does not come along into a process that is forked.
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = asyncio.new_event_loop()
            loop.set_task_factory(_make_task)  # type: ignore[arg-type]  # the options differ by version
            thread = threading.Thread(target=_serve, args=(loop,), name="ftask-asyncio", daemon=True)
            thread.start()
            atexit.register(_stop, loop, thread)
        return loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    have_a_folder_of_its_own()
    asyncio.set_event_loop(loop)
    is_stopped = False
    while not is_stopped:
        # asyncio lets these two of an asyncio task end the loop, and with it everybody's attempt.
        with suppress(SystemExit, KeyboardInterrupt):
            loop.run_forever()
            is_stopped = True
    loop.close()


def _stop(loop: asyncio.AbstractEventLoop, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(loop.stop)
    thread.join(END_SECONDS)


def _make_task(
    loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any], **options: Any
) -> asyncio.Task[Any]:
    task = asyncio.Task(coroutine, loop=loop, **options)
    with suppress(LookupError):
        _started.get().add(task)
    return task


def _folder() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a text is enough, for each attempt
    except FileNotFoundError:
        return None
