"""The functions' clients are those that botocore makes in its usual way, for every region and setting."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest
from botocore.config import Config

from ftask.core.quick_loader import SERVICES, create_client, quick_session

PARTITIONS = botocore.session.get_session().get_component("data_loader").load_data("endpoints")["partitions"]
# One of each partition, those that have names of their own, and two that botocore does not know yet.
REGIONS = {min(partition["regions"]) for partition in PARTITIONS if partition["regions"]} | {
    *("us-east-1", "eu-central-1", "us-gov-west-1", "cn-north-1", "eu-nowhere-7", "us-gov-nowhere-3"),
}
SETTINGS = [
    {},
    {"AWS_USE_FIPS_ENDPOINT": "true"},
    {"AWS_USE_DUALSTACK_ENDPOINT": "true"},
    {"AWS_DEFAULTS_MODE": "standard", "AWS_STS_REGIONAL_ENDPOINTS": "legacy"},
    {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"},
    {"AWS_ENDPOINT_URL_SQS": "http://127.0.0.1:4567"},
    {"AWS_RETRY_MODE": "legacy"},
]

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "dynamodb": ("get_item", {"TableName": "t", "Key": {"taskId": {"S": "a"}}}),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.example.org/1/q", "MessageBody": "b"}),
}


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")


def sent(client: Any, service: str) -> tuple[Any, ...]:
    """Where the client sends a request, how it signs it, and what it asks for."""
    requests: list[Any] = []

    def stop(request: Any, **_: Any) -> None:
        requests.append(request)
        raise ConnectionAbortedError

    client.meta.events.register(f"before-send.{service}.*", stop)
    call, parameters = CALLS[service]
    with pytest.raises(ConnectionAbortedError):
        getattr(client, call)(**parameters)
    (request,) = requests
    scope = request.headers["Authorization"].decode().split("/", 2)[2].split(",")[0]
    return request.url, request.body, request.headers["X-Amz-Target"], request.headers["Content-Type"], scope


def described(client: Any) -> tuple[Any, ...]:
    """What is known of a client before a request."""
    meta = client.meta
    return (
        *(meta.endpoint_url, meta.region_name, meta.partition, meta.config.signature_version, meta.config.retries),
        *(meta.config.connect_timeout, sorted(meta.method_to_api_mapping)),
    )


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_a_client_is_as_botocore_makes_it(
    service: str, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    usual_session = botocore.session.get_session()
    for region in sorted(REGIONS) if not settings else ["eu-central-1", "cn-north-1", "eu-nowhere-7"]:
        config = Config(region_name=region, retries={"mode": "standard"})
        monkeypatch.setenv("AWS_DEFAULT_REGION", region)
        usual = usual_session.create_client(service, region, config=config)
        quick = create_client(quick_session(), service, config)
        assert described(quick) == described(usual), region
        assert sent(quick, service) == sent(usual, service), region


def test_what_the_short_way_cannot_make_comes_by_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ftask.core.quick_loader.QuickLoader.load_data_with_path", None)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    assert create_client(quick_session(), "sqs", Config()).meta.endpoint_url == "https://sqs.eu-central-1.amazonaws.com"


def test_other_sessions_have_all_services() -> None:
    create_client(quick_session(), "sqs", Config(region_name="eu-central-1"))
    assert len(botocore.session.get_session().get_available_services()) > 300
