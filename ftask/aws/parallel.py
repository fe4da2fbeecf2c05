"""Several sources read at once, each over its own connection."""

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
    """The items of all sources as they come, each source in a thread of its own.

    An error of one source ends them all and is raised here. Where the reader stops early, each source is left after
    the item that it is at, never within one; this returns only when all have been left.
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
    except BaseException as error:  # noqa: BLE001 - raised again where the items are read
        _offer(_End(error), items, stopped)
    else:
        _offer(_End(), items, stopped)


def _offer(item: T | _End, items: queue.Queue[T | _End], stopped: threading.Event) -> bool:
    """Hand an item over; False if nobody wants it any more."""
    while not stopped.is_set():
        try:
            items.put(item, timeout=_POLL_SECONDS)
        except queue.Full:
            continue
        return True
    return False
