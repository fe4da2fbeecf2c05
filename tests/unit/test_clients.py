"""The clients of the functions, without a network: what they send, and how often."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import botocore.endpoint
import pytest
from botocore.awsrequest import AWSResponse

from ftask.core.clients import USER_AGENT, Clients
from ftask.core.metrics import Usage
from tests.support.aws_answers import aws_answer


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
