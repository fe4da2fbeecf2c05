"""The keys of what an attempt submits: the same ones again at the next attempt, so a retry submits nothing twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextvars import ContextVar
from itertools import count

# Set while an attempt runs. A thread that the task starts has none.
attempt_keys: ContextVar[Iterator[str]] = ContextVar("ftask_attempt_keys")


def keys_of(task_id: str, epoch: int) -> Iterator[str]:
    """Return the keys of one epoch of a task, in the order of its submissions."""
    return (f"{task_id}-{epoch}-{number}" for number in count())
