"""Whatever is sent: no answer but those that are described, no exception, no batch that blocks."""

from __future__ import annotations

import json
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ftask.core.codec import encode_message
from ftask.core.execution import Executor
from ftask.core.manifest import Argument, TaskType
from ftask.core.model import Delivery, Message
from ftask.core.retry import RetryPolicy
from ftask.core.timestamps import now
from ftask.core.workload import simulated
from stack.handlers.api import Api
from stack.handlers.worker import run_batch
from tests.support.http import ROUTES, SIGNED, api_over, application
from tests.support.resources import Resources

# The tables and queues may be shared by all examples: nothing here looks at what is in them.
many = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much],
)


TYPES = (
    TaskType("send", (Argument("to"), Argument("note", required=False))),
    TaskType("any", accepts_more=True, is_default=True),
)


@pytest.fixture
def api(moto_resources: Resources) -> Api:
    return api_over(moto_resources, types=TYPES)


@pytest.mark.parametrize("mode", list(schemathesis.GenerationMode))
@pytest.mark.parametrize("route", [route for route, _ in ROUTES])
def test_every_request_gets_an_answer_that_is_described(api: Api, route: str, mode: Any) -> None:
    method, path = route.split()
    signature = {"Authorization": SIGNED}
    description: Any = schemathesis.openapi.from_wsgi("/openapi.json", application(api), headers=signature)
    operation = description[path][method]
    # What a schema cannot say may be refused: half a character, arguments of another type, a key that has another
    # payload, a made-up cursor.
    excluded = [schemathesis.checks.positive_data_acceptance]
    if route == "POST /tasks/batch":
        # Its tasks are refused one by one, in an answer that says 202.
        excluded.append(schemathesis.checks.negative_data_rejection)

    @many
    @given(operation.as_strategy(generation_mode=mode))
    def check(case: Any) -> None:
        # What makes the query invalid has to be in the URL: an empty list or object has no form there.
        assume(all(_is_sent(value) for value in (case.query or {}).values()))
        case.call_and_validate(headers=signature, excluded_checks=excluded)

    check()


def _is_sent(value: Any) -> bool:
    if isinstance(value, list | dict):
        return any(_is_sent(child) for child in (value.values() if isinstance(value, dict) else value))
    return value is not None


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
texts = st.text() | st.binary().map(lambda data: data.decode("latin-1")) | anything.map(json.dumps)
events = st.fixed_dictionaries(
    {"routeKey": st.sampled_from([route for route, _ in ROUTES]) | st.text()},
    optional={
        "headers": st.none() | st.dictionaries(st.sampled_from(["content-type", "idempotency-key"]) | st.text(), texts),
        "queryStringParameters": st.none()
        | st.dictionaries(
            st.sampled_from(["status", "limit", "cursor", "type"]), st.sampled_from(["FAILED", "send"]) | texts
        ),
        "pathParameters": st.none() | st.dictionaries(st.just("taskId"), texts),
        "isBase64Encoded": st.booleans(),
        "body": st.none() | texts,
    },
)


@many
@given(events)
def test_every_event_gets_an_answer(api: Api, event: dict[str, Any]) -> None:
    answer = api.answer(event)
    assert answer["statusCode"] in (200, 202, 400, 404, 413, 415, 422)
    json.loads(answer["body"])
    assert all("\n" not in value for value in answer["headers"].values())


bodies = (
    texts
    | st.fixed_dictionaries({}, optional={"v": anything, "taskId": anything, "epoch": anything}).map(json.dumps)
    | st.builds(Message, st.just("f" * 32), st.integers(0, 3)).map(encode_message)
)


@pytest.fixture
def executor(moto_resources: Resources) -> Executor:
    return Executor(
        store=moto_resources.store,
        queue=moto_resources.queue,
        dead_letters=moto_resources.dead_letters,
        handler=simulated(0.3, Random(1)),
        clock=now,
        rng=Random(1),
        policy=RetryPolicy(),
        budget=timedelta(0),
        retention=timedelta(days=30),
        observe=lambda *_, **__: None,
    )


@many
@given(st.lists(bodies.filter(bool), min_size=1, max_size=10))
def test_no_message_blocks_its_batch(executor: Executor, bodies: list[str]) -> None:
    # SQS takes no such characters, so none can come out of it.
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
    clean = ["".join(char for char in body if _sqs_takes(char)) or "-" for body in bodies]
    deliveries = [Delivery(str(number), "handle", body) for number, body in enumerate(clean)]
    deadline = now() + timedelta(seconds=20)
    left = run_batch(lambda delivery: executor.execute(delivery, deadline), deliveries)["batchItemFailures"]
    # Only a message of a later format stays: a newer worker will understand it.
    for entry in left:
        assert json.loads(clean[int(entry["itemIdentifier"])])["v"] > 1


def _sqs_takes(char: str) -> bool:
    code = ord(char)
    return char in "\t\n\r" or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
