"""What a worker calls: the declared tasks as one handler of the executor, a payload in, a result as JSON out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextvars import copy_context
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from types import CoroutineType
from typing import Any
from uuid import UUID

from ftask.core import events
from ftask.core.errors import InvalidResult, RetryAfter, UnknownTaskType
from ftask.core.execution import SETTLE_TIME, limit_text, result_json
from ftask.core.isolation import TimeLimit
from ftask.core.ports import Clock, Handler, Job, Observer
from ftask.core.raised import message_of, type_of
from ftask.core.retry import RetryPolicy
from ftask.core.timestamps import now
from ftask.tasks.context import Run, ends_here, running
from ftask.tasks.conversion import converter
from ftask.tasks.declaration import Declaration, Registry
from ftask.tasks.errors import AttemptAborted, InvalidPayload
from ftask.tasks.output import end_lines
from ftask.tasks.tracebacks import explain_denied_call, traceback_text


def call(declaration: Declaration, payload: Mapping[str, Any], run: Run, limit: str = limit_text(None)) -> Any:
    """Run the task as attempt `run` and return its result as JSON knows it.

    What an `async def` awaits is cancelled at the deadline of the run; `limit` says why that comes. Its own code
    between two awaits, and threads that it started, cannot be stopped.

    Raises:
        InvalidPayload: the payload does not fit the arguments.
        TimedOut: the deadline came first.
        InvalidResult: the result is not JSON.
        BaseException: the task raised it.
    """
    arguments = bind(declaration, payload)
    result = declaration.function(**arguments)
    if isinstance(result, CoroutineType):
        from ftask.tasks.event_loop import run_coroutine  # asyncio takes a cold start 30 ms

        result = run_coroutine(result, run, limit)
    return to_json_value(result)


def bind(declaration: Declaration, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments that `payload` stands for.

    Raises:
        InvalidPayload: an argument is unknown or missing, or pydantic cannot convert its value.
    """
    problem = declaration.type.check(payload)
    if problem is not None:
        raise InvalidPayload(problem)
    return converter(declaration)(payload)


def to_json_value(result: Any) -> Any:
    """Return `result` made of what JSON has: dictionaries, lists, texts, numbers, booleans, None.

    Models of pydantic, dataclasses, dates and times (as ISO 8601), enums (as their values), sets (as lists), and
    decimals, UUIDs and paths (as text) are converted, at any depth.

    Raises:
        InvalidResult: a part of it is something else, or contains itself.
    """
    return None if result is None else json.loads(result_json(result, _convert))


def _convert(value: Any) -> Any:
    """Return what stands for a value that json does not know; json goes on from there."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, date | time | datetime):
        return value.isoformat()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, set | frozenset):
        return list(value)
    if callable(dump := getattr(value, "model_dump", None)) and not isinstance(value, type):
        return dump(mode="json")
    if isinstance(value, Decimal | UUID | PurePath):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not JSON serializable")


def handler(
    registry: Registry,
    observe: Observer,
    clock: Clock = now,
    interrupts: tuple[type[BaseException], ...] = (),
) -> Handler:
    """Return the handler that runs the task of a job and returns its result as JSON knows it.

    What a task raises leaves the handler as an `Exception` or SystemExit, so the executor records a failed attempt.
    Only `interrupts` pass through unchanged: a tool in a terminal passes KeyboardInterrupt. The traceback of a
    failure is observed as the event `attemptFailed`.
    """

    def handle(job: Job) -> Any:
        declaration = registry.find(job.type)
        if declaration is None:
            raise UnknownTaskType(job.type, registry.names)
        run = start_run(job, declaration, clock)
        timeout = declaration.type.options.timeout_seconds
        limit = limit_text(timeout if timeout is not None and run.deadline < job.deadline - SETTLE_TIME else None)

        def attempt() -> Any:
            with ends_here(), running(run):
                try:
                    return call(declaration, job.payload, run, limit)
                finally:
                    end_lines()

        try:
            # A copy, so that what the task sets in context variables does not reach the thread's next task.
            return copy_context().run(attempt)
        except interrupts:
            raise
        except (RetryAfter, InvalidPayload, InvalidResult):
            raise  # expected, and said in full by its message
        except (Exception, SystemExit) as error:
            _observe_failure(observe, job, error)
            raise
        except BaseException as error:
            _observe_failure(observe, job, error)
            raise AttemptAborted(f"The task raised {type_of(error)}: {message_of(error)}") from error

    return handle


def retry_policies(registry: Registry, of_the_stack: RetryPolicy) -> dict[str, RetryPolicy]:
    """Return the retry policy of each type: its own options, and the stack's where it has none."""
    return {declaration.name: declaration.type.options.retry_policy(of_the_stack) for declaration in registry}


def isolated_types(registry: Registry) -> frozenset[str]:
    """Return the types that are declared `isolated=True`."""
    return frozenset(declaration.name for declaration in registry if declaration.type.options.isolated)


def time_limits(registry: Registry) -> dict[str, TimeLimit]:
    """Return the time limit of each type that has a timeout, for an attempt in a child process."""
    # An async task is cancelled at its timeout, and may clean up.
    grace_seconds = SETTLE_TIME.total_seconds()
    return {
        declaration.name: TimeLimit(seconds, grace_seconds if declaration.is_async else 0.0)
        for declaration in registry
        if (seconds := declaration.type.options.timeout_seconds) is not None
    }


def start_run(job: Job, declaration: Declaration, clock: Clock) -> Run:
    """Return the attempt as the task sees it. Its deadline is the task's own, where that comes first."""
    deadline = job.deadline
    if declaration.is_async:
        deadline -= SETTLE_TIME
    timeout = declaration.type.options.timeout_seconds
    if timeout is not None:
        deadline = min(deadline, clock() + timedelta(seconds=timeout))
    return Run(job.task_id, job.type, job.epoch, job.attempt, job.max_attempts, deadline, clock)


def _observe_failure(observe: Observer, job: Job, error: BaseException) -> None:
    explain_denied_call(error)
    observe(events.attempt_failed(job.task_id, job.type, job.epoch, job.attempt, error, traceback_text(error)))
