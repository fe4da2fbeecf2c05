"""What a task costs, counted from the requests themselves."""

from __future__ import annotations

from datetime import timedelta
from random import Random
from typing import Any
from urllib.parse import unquote

import pytest

from ftask.core.clients import count
from ftask.core.codec import encode_message
from ftask.core.dynamodb import DynamoStore
from ftask.core.execution import Executor
from ftask.core.metrics import Usage
from ftask.core.model import Delivery, Message, Status
from ftask.core.payload import Submission
from ftask.core.retry import RetryPolicy
from ftask.core.sqs import SqsDeadLetterQueue, SqsQueue
from ftask.core.submission import Submitter
from ftask.core.timestamps import now
from ftask.core.workload import simulated
from tests.support.resources import Resources

RETENTION = timedelta(days=30)


def life(backend: Resources) -> dict[str, dict[str, Any]]:
    """What each step of one task that succeeds took."""
    usage = Usage()
    count(backend.dynamodb, usage)
    count(backend.sqs, usage)
    store = DynamoStore(lambda: backend.dynamodb, backend.table)
    queue = SqsQueue(lambda: backend.sqs, backend.queue_url)
    executor = Executor(
        store=store,
        queue=queue,
        dead_letters=SqsDeadLetterQueue(lambda: backend.sqs, backend.dead_letter_queue_url),
        handler=simulated(0.3, Random(1)),
        clock=now,
        rng=Random(1),
        policy=RetryPolicy(),
        budget=timedelta(0),
        retention=RETENTION,
        observe=lambda *_, **__: None,
    )
    took = {}
    task = Submitter(store, queue, now, 2, RETENTION).submit(Submission({"message": "SUCCESS"}))
    took["submit"] = usage.taken()
    for step in ("run", "late duplicate"):
        delivery = Delivery("m", "r", encode_message(Message(task.task_id)))
        assert executor.execute(delivery, now() + timedelta(seconds=20))
        took[step] = usage.taken()
    ended = store.get(task.task_id)
    assert ended is not None
    assert ended.status is Status.COMPLETED
    took["get"] = usage.taken()
    return took


def test_a_task_that_succeeds_takes_one_message_and_three_writes(backend: Resources) -> None:
    assert {step: took["calls"] for step, took in life(backend).items()} == {
        "submit": {"dynamodb.PutItem": 1, "sqs.SendMessageBatch": 1},
        "run": {"dynamodb.UpdateItem": 2},
        "late duplicate": {"dynamodb.UpdateItem": 1},
        "get": {"dynamodb.GetItem": 1},
    }


@pytest.mark.engine  # moto answers half a unit for an update
def test_each_write_takes_one_unit_and_so_does_a_refused_one(engine_resources: Resources) -> None:
    took = life(engine_resources)
    assert [took[step].get("writeUnits") for step in ("submit", "run", "late duplicate", "get")] == [1, 2, 1, None]
    assert took["get"]["readUnits"] == 1


def test_a_trace_goes_from_the_api_through_the_queue(
    moto_resources: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    # In a function, botocore hands the invocation's trace on by itself; SQS then keeps it with the message.
    # https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sqs.html
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "ftask-prod-api")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    headers: list[Any] = []
    moto_resources.sqs.meta.events.register("before-send.sqs.*", lambda request, **_: headers.append(request.headers))
    moto_resources.queue.send(Message("f" * 32))
    # Percent-encoded, as a header has to be.
    assert unquote(headers[0]["X-Amzn-Trace-Id"].decode()) == trace
