"""Read several sources at once, each in a thread with its own connection."""

from __future__ import annotations

import queue
import threading
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

_POLL_SECONDS = 0.2


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
        for thread in threads:
            thread.join()


def _read(source: Iterable[T], items: queue.Queue[T | _End], stopped: threading.Event) -> None:
    try:
        for item in source:
            if not _offer(item, items, stopped):
                return
    except BaseException as error:  # noqa: BLE001 - raised again in the thread that reads the items
        _offer(_End(error), items, stopped)
    else:
        _offer(_End(), items, stopped)


def _offer(item: T | _End, items: queue.Queue[T | _End], stopped: threading.Event) -> bool:
    """Hand an item over; False if the caller has stopped."""
    while not stopped.is_set():
        try:
            items.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
