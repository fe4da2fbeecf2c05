"""What a worker calls: the declared tasks as one handler of the executor."""

from __future__ import annotations

from contextvars import copy_context
from datetime import timedelta
from typing import Any

from ftask.core import events
from ftask.core.errors import InvalidResult, RetryAfter, UnknownTaskType
from ftask.core.execution import SETTLE_TIME, limit_text
from ftask.core.isolation import TimeLimit
from ftask.core.ports import Clock, Handler, Job, Observer
from ftask.core.raised import message_of, type_of
from ftask.core.retry import RetryPolicy
from ftask.core.timestamps import now
from ftask.tasks.calling import call
from ftask.tasks.context import Run, running
from ftask.tasks.declaration import Declaration
from ftask.tasks.denied_calls import explain_denied_call
from ftask.tasks.errors import AttemptAborted, InvalidPayload
from ftask.tasks.forks import ends_here
from ftask.tasks.output import end_lines
from ftask.tasks.registry import Registry
from ftask.tasks.tracebacks import traceback_text


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
