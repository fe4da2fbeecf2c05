"""Several calls to AWS at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

# Enough to hide the network, few enough for the processor of a small function: each call costs it about a millisecond,
# and each connection a TLS handshake.
CALLS_AT_ONCE = 8


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
    # Only a batch needs it, and importing it delays a cold start.
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(min(CALLS_AT_ONCE, len(items))) as threads:
        return list(threads.map(function, items))
