"""The running attempt, for the code that it runs. A process that this code forks does not report for the attempt."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime

from ftask.core.attempt_keys import attempt_keys, keys_of
from ftask.core.timestamps import now
from ftask.tasks.errors import OutsideTaskError
from ftask.tasks.tracebacks import traceback_text


# Compared by identity: two attempts are never the same one.
@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One attempt of one task.

    `task_id` stays the same over attempts and redrives: use it as the idempotency key of what the task does
    elsewhere. `epoch` counts redrives from 0, `attempt` the attempts of this epoch from 1 to `max_attempts`.
    `deadline` is when the attempt is stopped: by the task's own `timeout`, or because the worker's time ends.
    """

    task_id: str
    type: str
    epoch: int
    attempt: int
    max_attempts: int
    deadline: datetime
    _clock: Callable[[], datetime] = field(default=now, repr=False)

    def remaining(self) -> float:
        """Return the seconds until `deadline`; 0.0 once it has passed."""
        return max(0.0, (self.deadline - self._clock()).total_seconds())


_current: ContextVar[Run] = ContextVar("ftask_run")


def current() -> Run:
    """Return the attempt that is running.

    Each attempt sees its own, in threads and in asyncio alike. A thread that a task starts has none:
    call `current()` before, and pass the result on.

    Raises:
        OutsideTaskError: no task is running here.
    """
    run = running_or_none()
    if run is None:
        raise OutsideTaskError
    return run


def running_or_none() -> Run | None:
    """Return the attempt that is running, or None."""
    return _current.get(None)


@contextmanager
def running(run: Run) -> Iterator[Run]:
    """Make `run` the current attempt for the block."""
    token = _current.set(run)
    keys = attempt_keys.set(keys_of(run.task_id, run.epoch))
    try:
        yield run
    finally:
        attempt_keys.reset(keys)
        _current.reset(token)


@contextmanager
def ends_here() -> Iterator[None]:
    """End a process that was forked inside the block where it would leave the block, as a program would end."""
    worker = os.getpid()
    code = 0
    try:
        yield
    except BaseException as error:
        if os.getpid() == worker:
            raise
        code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
        sys.stderr.write(traceback_text(error) + "\n")
    if os.getpid() != worker:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
