"""The worker function: a batch of SQS records in, the ids of those that stay in the queue out."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from random import Random
from traceback import format_exception
from typing import Any

from ftask.core import events, log
from ftask.core.clients import Clients
from ftask.core.deployed import read_module
from ftask.core.dynamodb import DynamoStore
from ftask.core.errors import FtaskError, SettingsError, WorkerLost, error_text
from ftask.core.execution import SETTLE_TIME, Executor
from ftask.core.firings import Firings
from ftask.core.isolation import Children, TimeLimit, children_for
from ftask.core.manifest import TaskType
from ftask.core.metrics import Meter, Usage
from ftask.core.model import EXPERIMENT_TYPE, Delivery, Message
from ftask.core.one_time_schedules import OneTimeSchedules
from ftask.core.ports import Handler
from ftask.core.retry import RetryPolicy
from ftask.core.schedule_records import DynamoScheduleRecords
from ftask.core.settings import WorkerSettings
from ftask.core.sqs import SqsDeadLetterQueue, SqsQueue
from ftask.core.threads import THREADS, in_threads
from ftask.core.timestamps import now
from ftask.core.workload import by_type, simulated
from ftask.tasks.deployed import load_deployed
from ftask.tasks.worker import handler as handler_of
from ftask.tasks.worker import isolated_types, retry_policies, time_limits

CHILD_MODULE = f"{__name__.rpartition('.')[0]}.child"
# Set by Lambda: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
MEMORY_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"
# From so much memory on, a function has a whole CPU. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_MEGABYTES_A_CPU = 1769
# Set where the module is imported to initialise a function: with a whole CPU, of which an invocation has a part.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
FUNCTION_VARIABLE = "AWS_LAMBDA_FUNCTION_NAME"
# No task and no receipt handle is called so.
_NO_ID = "ftask-check"
# The end of a traceback says what happened.
_MAX_TRACEBACK = 4096


# Whether a message may be deleted, or what failed.
Outcome = bool | Exception


@dataclass(frozen=True, slots=True)
class Worker:
    """What an invocation needs."""

    executor: Executor
    meter: Meter
    children: Children | None = None
    types: Sequence[str] = ()
    load_seconds: float = 0.0
    # For the check: a call of each part that changes nothing.
    calls: Mapping[str, Callable[[], object]] = field(default_factory=dict)

    def run(self, event: dict[str, Any], deadline: datetime) -> dict[str, Any]:
        """Run every record of `event`; return the partial-batch answer."""

        deliveries = [_delivery(record) for record in event["Records"]]

        def execute(delivery: Delivery) -> bool:
            with self.meter.record():
                return self.executor.execute(delivery, deadline, beside=len(deliveries) - 1)

        with self.meter.invocation():
            return run_batch(execute, deliveries)


@cache
def _clients() -> Clients:
    return Clients(THREADS, Usage())


@cache
def worker() -> Worker:
    """Return the worker of this process, with the user's module imported and the clients made."""
    started = time.monotonic()
    settings = WorkerSettings.from_environment(os.environ)
    clients = _clients()
    types: dict[str, TaskType] = {}
    own: Handler | None = None
    policies: dict[str, RetryPolicy] = {}
    limits: dict[str, TimeLimit] = {}
    isolated: frozenset[str] = frozenset()
    module = read_module()
    if module is None:
        meter = Meter(settings.stack, clients.usage)
    else:
        registry = load_deployed(module, settings.log_level)
        types = {declaration.name: declaration.type for declaration in registry}
        meter = Meter(settings.stack, clients.usage, types=registry.names)
        own = handler_of(registry, meter.observe)
        policies = retry_policies(registry, settings.policy)
        limits, isolated = time_limits(registry), isolated_types(registry)
    load_seconds = time.monotonic() - started
    clients.make()
    store = DynamoStore(clients.dynamodb, settings.table)
    queue = SqsQueue(clients.sqs, settings.queue_url)
    dead_letters = SqsDeadLetterQueue(clients.sqs, settings.dead_letter_queue_url)
    memory_megabytes = int(os.environ.get(MEMORY_VARIABLE, "128"))
    children = Children(CHILD_MODULE, children_for(memory_megabytes), limits, _advice(memory_megabytes, load_seconds))
    rng = Random()  # noqa: S311 - backoff jitter and a simulated error rate, no secret
    executor = Executor(
        store=store,
        queue=queue,
        dead_letters=dead_letters,
        handler=by_type(simulated(settings.error_rate, rng), own),
        clock=now,
        rng=rng,
        policy=settings.policy,
        budget=settings.budget,
        retention=settings.retention,
        observe=meter.observe,
        policies=policies,
        isolation=children,
        isolated_types=isolated,
        types=(*types, EXPERIMENT_TYPE),
        schedules=None if settings.schedules is None else OneTimeSchedules(clients.scheduler, settings.schedules),
        firings=Firings(
            *(store, DynamoScheduleRecords(clients.dynamodb, settings.table), now, types),
            *(settings.max_attempts, settings.retention),
        ),
    )
    calls = {
        "table": lambda: store.begin(Message(_NO_ID), _NO_ID, now(), now()),
        "queue": lambda: queue.postpone(Delivery(_NO_ID, _NO_ID, ""), 0),
        "deadLetterQueue": dead_letters.require_access,
    }
    return Worker(executor, meter, children, list(types), load_seconds, calls)


def _advice(memory_megabytes: int, load_seconds: float) -> str:
    """Return what helps a child that does not start in time."""
    share = min(1.0, memory_megabytes / _MEGABYTES_A_CPU)
    return (
        f"The worker itself took {load_seconds:.1f} s for it as it started, when AWS Lambda gives a whole CPU;"
        f" {memory_megabytes} MB have {share:.2f} of one. Raise WorkerMemory, or import less in the tasks' module."
    )


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run every record: what Lambda calls.

    Raise if DynamoDB or SQS failed, or the user's module cannot be imported, so that the poller slows down. The event
    `{"ftask": "check"}` runs no task: its answer says what of this worker works.
    """
    deadline = now() + timedelta(milliseconds=context.get_remaining_time_in_millis())
    _clients().until(deadline)
    if event.get("ftask") == "check":
        return check(deadline)
    return _started().run(event, deadline)


def _started() -> Worker:
    """Return the worker of this process.

    Raises:
        Exception: why it could not be made; the next invocation tries again.
    """
    if _initialisation_failed:
        raise _initialisation_failed.pop()
    return _made()


def _made() -> Worker:
    """Return the worker of this process; log why it cannot be made, as one event, and raise."""
    try:
        return worker()
    except Exception as error:
        # The frames of an error of ftask's own are ftask's.
        trace = _text(error) if isinstance(error, FtaskError) else "".join(format_exception(error)).rstrip()
        log.write(events.initialisation_failed(error, trace[-_MAX_TRACEBACK:]))
        raise


def check(deadline: datetime) -> dict[str, Any]:
    """Make and call every part of this worker as an invocation does, and run no task; return what failed, by part.

    The answer has the names of the user's `types`; `importSeconds` that this process took to load them,
    `childImportSeconds` that a child took; and `failures`: the text of the error by part, of which there are settings,
    tasks, table, queue, deadLetterQueue and child. None of the calls changes anything.
    """
    answer: dict[str, Any] = {"types": [], "importSeconds": None, "childImportSeconds": None, "failures": {}}
    failures = answer["failures"]
    try:
        made = _started()
    except Exception as error:  # noqa: BLE001 - what the check is for
        failures["settings" if isinstance(error, SettingsError) else "tasks"] = _text(error)
        return answer
    answer |= {"types": made.types, "importSeconds": round(made.load_seconds, 2)}

    def failure(part: str) -> str | None:
        try:
            made.calls[part]()
        except Exception as error:  # noqa: BLE001
            return _text(error)
        return None

    parts = list(made.calls)
    failures.update({part: text for part, text in zip(parts, in_threads(failure, parts), strict=True) if text})
    if made.children is not None:
        try:
            answer["childImportSeconds"] = round(made.children.start_seconds(deadline - SETTLE_TIME), 2)
        except WorkerLost as error:
            failures["child"] = str(error)
    made.meter.forget_usage()
    return answer


def _text(error: Exception) -> str:
    return error_text(error) if isinstance(error, FtaskError) else f"{type(error).__name__}: {error}"


def run_batch(
    execute: Callable[[Delivery], bool],
    deliveries: list[Delivery],
    at_once: Callable[[Callable[[Delivery], Outcome], list[Delivery]], list[Outcome]] = in_threads,
) -> dict[str, Any]:
    """Execute the deliveries at once; return the partial-batch answer: those for which `execute` returned False stay.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
    """

    def attempt(delivery: Delivery) -> Outcome:
        try:
            return execute(delivery)
        except Exception as error:  # noqa: BLE001 - raised below, once the other records have ended
            log.write(events.infrastructure_failed(error, delivery.message_id))
            return error

    outcomes = at_once(attempt, deliveries)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failures:
        # Everything is delivered again; what has ended is then recognised and acknowledged.
        raise failures[0]
    left = [delivery for delivery, done in zip(deliveries, outcomes, strict=True) if not done]
    return {"batchItemFailures": [{"itemIdentifier": delivery.message_id} for delivery in left]}


def _delivery(record: dict[str, Any]) -> Delivery:
    sent_ms = record.get("attributes", {}).get("SentTimestamp")
    sent_at = None if sent_ms is None else datetime.fromtimestamp(int(sent_ms) / 1000, UTC)
    return Delivery(record["messageId"], record["receiptHandle"], record["body"], sent_at)


# What an invocation raises before any attempt begins: an initialisation that raises is only repeated, and says nothing.
_initialisation_failed: list[Exception] = []
if FUNCTION_VARIABLE in os.environ:
    try:
        _made()
    except Exception as failure:  # noqa: BLE001
        _initialisation_failed.append(failure)
