"""Run tasks in tests: no queue, no table, no AWS."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from ftask.core.errors import FtaskError, PermanentError
from ftask.core.events import Event
from ftask.core.execution import encode_result
from ftask.core.model import Status
from ftask.core.payload import encode_payload, parse_payload
from ftask.core.ports import Job
from ftask.core.raised import recorded
from ftask.core.timestamps import now
from ftask.tasks.context import Run
from ftask.tasks.context import running as _running
from ftask.tasks.declaration import Registry, declaration_of, fresh_registry
from ftask.tasks.worker import handler

__all__ = ["TASK_ID", "Outcome", "fresh_registry", "run", "running"]

TASK_ID = "0" * 32
# Called with the file of each task that runs; set where the project of the file can be looked at.
prepare: Callable[[str], None] = lambda file: None  # noqa: E731
# As a new stack has them.
_MAX_ATTEMPTS = 2
_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended.

    `result` is what `ftask get` would show: the returned value as JSON knows it; None after a failure. `error` is the
    exception of a failure. `status` is the task's: COMPLETED, RETRYING or FAILED.
    """

    status: Status
    result: Any = None
    error: BaseException | None = None

    @property
    def completed(self) -> bool:
        return self.error is None

    @property
    def failed(self) -> bool:
        """Whether the attempt failed; the task is attempted again if its status is RETRYING."""
        return self.error is not None

    @property
    def permanent(self) -> bool:
        """Whether no retry follows: the task raised PermanentError, or its payload or result is invalid."""
        return isinstance(self.error, PermanentError)

    @property
    def retry_after(self) -> float | None:
        """The delay in seconds that the task chose by RetryAfter; None where the backoff applies."""
        return None if self.error is None else recorded(self.error).requested_seconds


def run(
    task: Callable[..., Any],
    payload: Mapping[str, Any] | None = None,
    *,
    attempt: int = 1,
    max_attempts: int | None = None,
    epoch: int = 0,
    task_id: str = TASK_ID,
    seconds: float = _SECONDS,
) -> Outcome:
    """Run a declared task once, as a worker does, and return how the attempt ended.

    The payload goes through JSON and is converted to the annotated types, the result goes through JSON, and
    `current()` works. Nothing waits for a backoff: to see what the second attempt does, pass `attempt=2`.

    Args:
        task: the function with @task above it.
        payload: its arguments as a submission has them; default: none.
        attempt: the number of the attempt, from 1.
        max_attempts: how many attempts the task has; default: the task's own, else 2.
        epoch: how often the task was redriven.
        task_id: what `current().task_id` shows.
        seconds: the time until the worker's deadline.

    Raises:
        FtaskError: the function is not a task, or the payload is not JSON.
    """
    declaration = declaration_of(task)
    prepare(declaration.function.__code__.co_filename)
    registry = Registry()
    registry.add(declaration)
    allowed = max_attempts or declaration.type.options.max_attempts or max(_MAX_ATTEMPTS, attempt)
    job = Job(
        task_id=task_id,
        type=declaration.name,
        epoch=epoch,
        attempt=attempt,
        max_attempts=allowed,
        payload=_as_submitted(payload or {}),
        deadline=now() + timedelta(seconds=seconds),
    )
    _refuse_event_loop()
    try:
        text = encode_result(handler(registry, _observe_nothing, interrupts=(KeyboardInterrupt,))(job))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - what a task raises is the attempt's outcome
        final = isinstance(error, PermanentError) or attempt >= allowed
        return Outcome(Status.FAILED if final else Status.RETRYING, error=error)
    return Outcome(Status.COMPLETED, result=None if text is None else json.loads(text))


@contextmanager
def running(
    *,
    type: str = "test",  # noqa: A002 - as it is called in Run
    attempt: int = 1,
    max_attempts: int = _MAX_ATTEMPTS,
    epoch: int = 0,
    task_id: str = TASK_ID,
    seconds: float = _SECONDS,
) -> Iterator[Run]:
    """Make `current()` work inside the block, so that a test can call the function itself.

    Nothing is converted and nothing is caught; a deadline of `seconds` from now is shown, and not enforced.
    """
    deadline = now() + timedelta(seconds=seconds)
    with _running(Run(task_id, type, epoch, attempt, max_attempts, deadline)) as run_:
        yield run_


def _as_submitted(payload: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return parse_payload(encode_payload(dict(payload)))
    except (TypeError, ValueError) as error:
        raise FtaskError(
            f"The payload is not JSON: {error}.", "Pass it as a client would send it: a date as its ISO text."
        ) from error


def _observe_nothing(_event: Event) -> None: ...


def _refuse_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise FtaskError(
        "ftask.testing.run() cannot be called inside of an event loop.",
        "Call it in a plain test (def, not async def), or await the task inside `with ftask.testing.running():`.",
    )
