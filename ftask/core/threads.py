"""Several things at a time: the attempts of a batch, and the calls to AWS of one request."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context
from functools import cache
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Enough to hide the network, few enough for the processor of a small function: each call costs it about a millisecond,
# and each connection a TLS handshake.
CALLS_AT_ONCE = 8
# A whole batch at once: handlers mostly wait for the network.
THREADS = 10
# The working directory and the umask belong to the thread from then on. It needs no privilege.
# https://man7.org/linux/man-pages/man2/unshare.2.html
_CLONE_FS = 0x200


class CallMap(Protocol):
    """Calls a function once for each item; the function raises nothing."""

    def __call__(self, function: Callable[[Item], Result], items: Sequence[Item], /) -> list[Result]:
        """Return the results in the order of the items."""


def one_by_one(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Call the function for each item in turn."""
    return [function(item) for item in items]


def several_at_once(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Call the function for up to `CALLS_AT_ONCE` items at the same time, each in a thread."""
    if len(items) < 2:
        return one_by_one(function, items)
    with ThreadPoolExecutor(min(CALLS_AT_ONCE, len(items))) as threads:
        return list(threads.map(function, items))


def in_threads(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return what `function` returns for each item, all at once.

    None runs in the main thread, where alone a task could set signal handlers. On Linux each has a working directory
    and a umask of its own; both are put back in the end. Context variables begin empty. The threads are kept for the
    next batch: starting ten takes 1.5 ms of processor time.
    """
    folder = os.getcwd()  # noqa: PTH109 - as cheap as it can be: it is done for every batch
    threads, umask = _threads()

    def run(item: Item) -> Result:
        try:
            return Context().run(function, item)
        finally:
            os.umask(umask)
            with suppress(OSError):
                os.chdir(folder)

    return list(threads.map(run, items))


@cache
def _threads() -> tuple[ThreadPoolExecutor, int]:
    """Return the threads of this process, and its umask."""
    return ThreadPoolExecutor(THREADS, initializer=have_a_folder_of_its_own), current_umask()


def current_umask() -> int:
    """Return the umask of this thread, which the system tells only by changing it."""
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


def have_a_folder_of_its_own() -> None:
    """Give this thread a working directory and a umask of its own, where the system can."""
    if sys.platform != "linux":
        return
    with suppress(OSError):  # a sandbox may refuse it
        if sys.version_info >= (3, 12):
            os.unshare(_CLONE_FS)
        else:
            ctypes.CDLL(None).unshare(_CLONE_FS)
