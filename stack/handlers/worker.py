"""The worker function: a batch of SQS records in, the ids of those that stay in the queue out."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Any

from ftask.core import events, log
from ftask.core.clients import Clients
from ftask.core.deployed import read_module
from ftask.core.dynamodb import DynamoStore
from ftask.core.execution import Executor
from ftask.core.isolation import Children, TimeLimit, children_for
from ftask.core.metrics import Meter, Usage
from ftask.core.model import Delivery
from ftask.core.ports import Handler
from ftask.core.retry import RetryPolicy
from ftask.core.settings import WorkerSettings
from ftask.core.sqs import SqsDeadLetterQueue, SqsQueue
from ftask.core.threads import THREADS, in_threads
from ftask.core.timestamps import now
from ftask.core.workload import by_type, simulated

CHILD_MODULE = f"{__name__.rpartition('.')[0]}.child"
# Set by Lambda: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
MEMORY_VARIABLE = "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"


# Whether a message may be deleted, or what failed.
Outcome = bool | Exception


@dataclass(frozen=True, slots=True)
class Worker:
    """What an invocation needs."""

    executor: Executor
    meter: Meter

    def run(self, event: dict[str, Any], deadline: datetime) -> dict[str, Any]:
        """Run every record of `event`; return the partial-batch answer."""

        deliveries = [_delivery(record) for record in event["Records"]]

        def execute(delivery: Delivery) -> bool:
            with self.meter.record():
                return self.executor.execute(delivery, deadline, beside=len(deliveries) - 1)

        with self.meter.invocation(is_for_one=len(deliveries) == 1):
            return run_batch(execute, deliveries)


@cache
def worker() -> Worker:
    """Return the worker of this process, made at its first invocation.

    The user's module is imported here: one that cannot be imported fails the invocation before any attempt begins.
    """
    settings = WorkerSettings.from_environment(os.environ)
    usage = Usage()
    own: Handler | None = None
    policies: dict[str, RetryPolicy] = {}
    limits: dict[str, TimeLimit] = {}
    isolated: frozenset[str] = frozenset()
    module = read_module()
    if module is None:
        meter = Meter(settings.stack, usage)
    else:
        # Where no tasks are declared, the archive has no ftask.tasks.
        from ftask.tasks.deployed import load_deployed
        from ftask.tasks.worker import handler as handler_of
        from ftask.tasks.worker import isolated_types, retry_policies, time_limits

        registry = load_deployed(module)
        meter = Meter(settings.stack, usage, types=registry.names)
        own = handler_of(registry, meter.observe)
        policies = retry_policies(registry, settings.policy)
        limits, isolated = time_limits(registry), isolated_types(registry)
    clients = Clients(THREADS, usage)
    rng = Random()  # noqa: S311 - backoff jitter and a simulated error rate, no secret
    executor = Executor(
        store=DynamoStore(clients.dynamodb, settings.table),
        queue=SqsQueue(clients.sqs, settings.queue_url),
        dead_letters=SqsDeadLetterQueue(clients.sqs, settings.dead_letter_queue_url),
        handler=by_type(simulated(settings.error_rate, rng), own),
        clock=now,
        rng=rng,
        policy=settings.policy,
        budget=settings.budget,
        retention=settings.retention,
        observe=meter.observe,
        policies=policies,
        isolation=Children(CHILD_MODULE, children_for(int(os.environ.get(MEMORY_VARIABLE, "128"))), limits),
        isolated_types=isolated,
    )
    return Worker(executor, meter)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Run every record: what Lambda calls.

    Raise if DynamoDB or SQS failed, or the user's module cannot be imported, so that the poller slows down. The event
    `{"ftask": "check"}` runs nothing: it is answered with the types that this worker can import.
    """
    if event.get("ftask") == "check":
        return check()
    deadline = now() + timedelta(milliseconds=context.get_remaining_time_in_millis())
    return worker().run(event, deadline)


def check() -> dict[str, Any]:
    """Return the user's types as JSON, or why their module cannot be imported; touch no table and no queue."""
    module = read_module()
    if module is None:
        return {"types": [], "module": None, "error": None}
    from ftask.tasks import deployed

    return deployed.check(module)


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
    return Delivery(record["messageId"], record["receiptHandle"], record["body"])
