"""The clients of the functions, without a network: what they send, and how often."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ReadTimeoutError

from ftask.core.clients import RESERVE_SECONDS, SHORT, TOTAL_TRIES, USER_AGENT, USUAL, Clients
from ftask.core.metrics import Usage
from tests.support.aws_answers import aws_answer
from tests.support.clock import EPOCH


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: None))


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("service", "call"),
    [
        ("dynamodb", lambda clients: clients.dynamodb().get_item(TableName="t", Key={"taskId": {"S": "f" * 32}})),
        ("sqs", lambda clients: clients.sqs().send_message(QueueUrl="https://sqs.test/q", MessageBody="{}")),
    ],
)
def test_a_call_is_signed_names_ftask_and_is_sent_again_after_an_outage(service: str, call: Any) -> None:
    usage = Usage()
    clients = Clients(1, usage)
    client: Any = getattr(clients, service)()
    sent: list[Any] = []

    def respond(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return aws_answer(request, b"{}", 200 if len(sent) == 3 else 503)

    client.meta.events.register_last(f"before-send.{service}.*", respond)
    call(clients)
    assert len(sent) == 3
    assert list(usage.taken()["calls"].values()) == [3]
    for request in sent:
        assert request.headers["Authorization"].startswith(b"AWS4-HMAC-SHA256 Credential=a/")
        assert request.headers["User-Agent"] == USER_AGENT.encode()


class Outage:
    """A DynamoDB that answers nothing, or status 500 only when a try is nearly over; and the time that passes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, seconds_left: float, answers: bool) -> None:
        self.seconds = 0.0
        self.tries: list[float] = []
        self.answers = answers
        # The SDK's pauses are drawn; here each is the longest.
        monkeypatch.setattr(botocore.endpoint, "time", SimpleNamespace(sleep=lambda _: self._pause()))
        self._clients = Clients(1, Usage(), clock=lambda: EPOCH, tick=lambda: self.seconds)
        self._clients.until(EPOCH + timedelta(seconds=seconds_left))

    def meet(self) -> None:
        """Call DynamoDB in vain."""
        self.tries.clear()
        client = self._clients.dynamodb()
        config: Any = client.meta.config
        respond: Any = partial(self._respond, config.connect_timeout + config.read_timeout)
        client.meta.events.register_last("before-send.dynamodb.*", respond, unique_id="outage")
        with pytest.raises(ClientError if self.answers else ReadTimeoutError):
            client.get_item(TableName="t", Key={"taskId": {"S": "f" * 32}})
        client.meta.events.unregister("before-send.dynamodb.*", unique_id="outage")

    def _pause(self) -> None:
        self.seconds += 2.0 ** (len(self.tries) - 1)

    def _respond(self, seconds: float, request: Any, **_: Any) -> AWSResponse:
        self.tries.append(seconds)
        self.seconds += seconds
        if self.answers:
            return aws_answer(request, b"{}", 500)
        raise ReadTimeoutError(endpoint_url="https://dynamodb")


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize("answers", [False, True])
@pytest.mark.parametrize("seconds_left", [3.0, 3.5, 5.0, 6.0, 8.0, 10.5, 14.0, 20.0, 900.0])
def test_a_call_that_gets_no_answer_ends_while_there_is_time_to_undo_it(
    monkeypatch: pytest.MonkeyPatch, seconds_left: float, answers: bool
) -> None:
    outage = Outage(monkeypatch, seconds_left, answers)
    outage.meet()
    assert outage.seconds <= max(seconds_left - RESERVE_SECONDS, SHORT.try_seconds)
    if seconds_left >= 20:
        assert outage.tries == [USUAL.try_seconds] * TOTAL_TRIES
    # The undo of a begin: it is read, and written back.
    outage.meet()
    outage.meet()
    assert outage.seconds < seconds_left
