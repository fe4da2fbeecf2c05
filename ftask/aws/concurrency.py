"""Waiting and working at once: rounds of polling, a limit of items a second, sources that are read side by side."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.05


def rounds(
    pause_seconds: float | Callable[[], float],
    timeout_seconds: float | None = None,
    *,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[None]:
    """Yield at once, and again after each pause; end when `timeout_seconds` have passed.

    The last pause ends at the timeout, and one round follows it, so that what happened during the pause is still seen.
    Without a timeout the rounds go on until the caller leaves the loop. A callable is called before each pause.
    """
    deadline = None if timeout_seconds is None else clock() + timeout_seconds
    while True:
        yield
        pause = pause_seconds() if callable(pause_seconds) else pause_seconds
        if deadline is not None:
            left = deadline - clock()
            if left <= 0:
                return
            pause = min(pause, left)
        sleep(pause)


class RateLimiter:
    """Lets at most `per_second` items pass in a second; 0 is no limit. Threads may share it."""

    def __init__(
        self,
        per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._per_second = per_second
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self, count: int) -> None:
        """Wait until `count` more items may pass."""
        if not self._per_second:
            return
        with self._lock:
            now = self._clock()
            start = max(now, self._free_at)
            self._free_at = start + count / self._per_second
        self._sleep(start - now)


@dataclass(frozen=True)
class _End:
    error: BaseException | None = None


def merge(sources: Sequence[Iterable[T]]) -> Generator[T]:
    """Yield the items of all sources as they come, each source read in its own thread.

    An error of one source ends them all and is raised here. If the caller stops early, every source finishes its
    current item first; closing the generator returns when all have done so.
    """
    items: queue.Queue[T | _End] = queue.Queue(maxsize=2 * len(sources))
    stopped = threading.Event()
    threads = [threading.Thread(target=_read, args=(source, items, stopped), daemon=True) for source in sources]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            item = items.get()
            if not isinstance(item, _End):
                yield item
            elif item.error is not None:
                raise item.error
            else:
                running -= 1
    finally:
        stopped.set()
        while any(thread.is_alive() for thread in threads):
            with suppress(queue.Empty):  # make room for the item that a source waits to hand over
                items.get(timeout=_POLL_SECONDS)


def _read(source: Iterable[T], items: queue.Queue[T | _End], stopped: threading.Event) -> None:
    try:
        for item in source:
            items.put(item)
            if stopped.is_set():
                return
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that reads the items
        items.put(_End(error))
    else:
        items.put(_End())
