"""The local engine takes requests of signed clients alone: not of web pages, not of other users of the machine."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.credentials import Credentials

from ftask.aws.target import Target
from ftask.local.engine import Engine
from tests.support.engines import boto_session, local_target
from tests.support.iam import a_user, iam_client
from tests.support.requests import FORM, presigned, request, root, signature

pytestmark = pytest.mark.engine

LIST_ROLES = b"Action=ListRoles&Version=2010-05-08"
LIST_QUEUES = "/?Action=ListQueues&Version=2012-11-05"
PAGE = "https://page.example"


@pytest.fixture(scope="module")
def target(engine: Engine) -> Target:
    return local_target(engine)


@pytest.fixture(scope="module")
def api(target: Target) -> Iterator[Any]:
    """Paths of an HTTP API whose pages of PAGE may call it: one route needs a signature, the other none."""
    client = boto_session(target).client("apigatewayv2", endpoint_url=target.endpoint_url)
    cors: Any = {"AllowOrigins": [PAGE], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["authorization"]}
    made = client.create_api(Name="guarded", ProtocolType="HTTP", CorsConfiguration=cors)["ApiId"]
    client.create_stage(ApiId=made, StageName="v1")
    client.create_route(ApiId=made, RouteKey="GET /signed", AuthorizationType="AWS_IAM")
    client.create_route(ApiId=made, RouteKey="ANY /open")
    base = f"/_aws/execute-api/{made}/v1"
    yield SimpleNamespace(signed=f"{base}/signed", open=f"{base}/open", base=base)
    client.delete_api(ApiId=made)


# What the route of an API without an integration answers: the request has come through.
def came_through(answer: Any) -> bool:
    return answer.status == 500 and b"No integration configured" in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": PAGE},
        {"origin": "http://127.0.0.1:1"},
        {"host": "evil.example"},
        {"host": "evil.example:4566"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "localhost@evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
    ids=str,
)
def test_a_request_that_a_foreign_page_causes_is_refused_even_if_it_is_signed(
    target: Target, headers: dict[str, str]
) -> None:
    form = {"content-type": FORM} | headers
    answer = request(target, "POST", "/", signature(target, "iam", "POST", "/", form, LIST_ROLES), LIST_ROLES)
    assert answer.status == 403
    assert b"<Roles" not in answer.body
    assert not any(name.startswith("access-control-") for name in answer.headers)


def test_a_page_gets_no_leave_by_a_preflight_request(target: Target, api: Any) -> None:
    asked = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    for path in ("/", api.open, api.signed, "/_ministack/reset"):
        answer = request(target, "OPTIONS", path, asked)
        assert answer.status == 403
        assert not any(name.startswith("access-control-") for name in answer.headers)


@pytest.mark.parametrize(
    "key",
    [
        Credentials("test", "test"),
        Credentials("000000000000", "test"),
        Credentials("FTASKAAAAAAAAAAAAAAA", "test"),
    ],
    ids=lambda key: str(key.access_key),
)
def test_a_key_that_was_not_made_here_is_refused(target: Target, key: Credentials) -> None:
    # The secret is right: ministack has one for all the keys that it takes for root.
    guessed = Credentials(str(key.access_key), str(target.secret_key))
    for tried in (key, guessed):
        signed = signature(target, "iam", "POST", "/", {"content-type": FORM}, LIST_ROLES, tried)
        answer = request(target, "POST", "/", signed, LIST_ROLES)
        assert (answer.status, b"security token included in the request is invalid" in answer.body) == (403, True)
        assert request(target, path=presigned(target, "sqs", LIST_QUEUES, key=tried)).status == 403


@pytest.mark.parametrize(
    "path", ["/", LIST_QUEUES, "/bucket/key", "/_ministack/health", "/health", "/_aws/sqs/messages"]
)
def test_a_request_without_a_signature_is_refused(target: Target, path: str) -> None:
    assert request(target, path=path).status in (400, 403)
    assert request(target, path=path, headers={"authorization": "AWS test:c2ln"}).status in (400, 403)
    assert request(target, path=path, headers={"authorization": "Bearer x"}).status in (400, 403)


def test_a_signature_is_checked_in_headers_and_in_the_query(target: Target) -> None:
    wrong = Credentials(str(target.access_key), "wrong")
    for key, status in ((root(target), 200), (wrong, 403)):
        signed = signature(target, "iam", "POST", "/", {"content-type": FORM}, LIST_ROLES, key)
        assert request(target, "POST", "/", signed, LIST_ROLES).status == status
        assert request(target, path=presigned(target, "sqs", LIST_QUEUES, key=key)).status == status
    signed = signature(target, "iam", "POST", "/", {"content-type": FORM}, LIST_ROLES)
    assert request(target, "POST", "/", signed, b"Action=DeleteRole&RoleName=x").status == 403


def test_only_version_4_of_signatures_is_taken(target: Target) -> None:
    for path, headers in (
        (LIST_QUEUES, {"authorization": f"AWS {target.access_key}:c2ln"}),
        (f"{LIST_QUEUES}&AWSAccessKeyId={target.access_key}&Signature=x", {}),
        (presigned(target, "sqs", LIST_QUEUES).replace("X-Amz-Algorithm=AWS4-HMAC-SHA256&", ""), {}),
    ):
        answer = request(target, path=path, headers=headers)
        assert (answer.status, b"accepts Signature Version 4 only" in answer.body) == (400, True)


def test_an_old_signature_is_refused(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    path = presigned(target, "sqs", LIST_QUEUES, expires=-1)
    assert request(target, path=path).status == 403
    an_hour_ago = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=1)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda: an_hour_ago)
    assert request(target, path=LIST_QUEUES, headers=signature(target, "sqs", path=LIST_QUEUES)).status in (400, 403)
    assert request(target, path=presigned(target, "sqs", LIST_QUEUES)).status == 403


def test_a_request_counts_as_the_key_that_signed_it(target: Target) -> None:
    """ministack takes the first of several credentials, or another one than it checks."""
    with a_user(iam_client(target)) as user:
        signed = signature(target, "sqs", path=LIST_QUEUES, key=user.credentials)
        twice = signed["Authorization"].replace(
            "Credential=", "Credential=test/20260101/us-east-1/sqs/aws4_request, Credential="
        )
        assert request(target, path=LIST_QUEUES, headers=signed | {"Authorization": twice}).status == 400
        both = presigned(target, "sqs", LIST_QUEUES)
        both_signed = signature(target, "sqs", path=both, key=user.credentials)
        assert request(target, path=both, headers=both_signed).status == 400


def test_the_key_of_a_user_is_good_as_long_as_it_exists_and_not_for_the_engines_controls(target: Target) -> None:
    with a_user(iam_client(target)) as user:
        user.may({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
        key = user.credentials
        assert request(target, path=presigned(target, "sqs", LIST_QUEUES, key=key)).status == 200
        for path in ("/_ministack/health", "/health", "/_ministack/sqs/messages"):
            assert request(target, path=path, headers=signature(target, "x", path=path, key=key)).status == 403
        assert (
            request(
                target, "POST", "/_ministack/reset", signature(target, "x", "POST", "/_ministack/reset", key=key)
            ).status
            == 403
        )
    assert request(target, path=presigned(target, "sqs", LIST_QUEUES, key=key)).status == 403


def test_an_api_asks_for_a_signature_where_it_is_deployed_so(target: Target, api: Any) -> None:
    assert request(target, path=api.signed).body == b'{"message": "Forbidden"}'
    assert request(target, path=api.signed, headers={"authorization": "Bearer x"}).status == 403
    assert came_through(request(target, path=api.signed, headers=signature(target, "execute-api", path=api.signed)))
    assert came_through(request(target, path=api.open))
    controls = f"{api.base}/@connections/x"
    default_key = signature(target, "execute-api", path=controls, key=Credentials("test", str(target.secret_key)))
    assert request(target, path=controls).status == request(target, path=controls, headers=default_key).status == 403
    assert request(target, path="/_aws/execute-api/none/v1/open").status == 403


def test_pages_of_origins_that_the_stack_allows_may_call_its_api_and_nothing_else(target: Target, api: Any) -> None:
    allowed = {"origin": PAGE, "sec-fetch-site": "cross-site"}
    answer = request(target, path=api.open, headers=allowed)
    assert came_through(answer)
    asked = allowed | {"access-control-request-method": "GET", "access-control-request-headers": "authorization"}
    preflight = request(target, "OPTIONS", api.signed, asked)
    assert (preflight.status, preflight.headers["access-control-allow-origin"]) == (204, PAGE)
    assert preflight.headers["access-control-allow-headers"] == "authorization"
    assert request(target, path=api.open, headers={"origin": "https://evil.example"}).status == 403
    assert request(target, path=api.open, headers={"sec-fetch-site": "cross-site"}).status == 403
    signed = signature(target, "sqs", path=LIST_QUEUES, headers=allowed)
    assert request(target, path=LIST_QUEUES, headers=signed).status == 403


@pytest.fixture(scope="module")
def socket_api(target: Target) -> Iterator[str]:
    """The path of a WebSocket API that anybody may open."""
    client = boto_session(target).client("apigatewayv2", endpoint_url=target.endpoint_url)
    made = client.create_api(Name="socket", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action")
    client.create_stage(ApiId=made["ApiId"], StageName="v1")
    yield f"/_aws/execute-api/{made['ApiId']}/v1"
    client.delete_api(ApiId=made["ApiId"])


@pytest.mark.parametrize("headers", ["", f"Origin: {PAGE}\r\n", "Origin: https://evil.example\r\n"])
def test_no_websocket_is_opened(target: Target, socket_api: str, headers: str) -> None:
    place = urlsplit(str(target.endpoint_url))
    with socket.create_connection((place.hostname, place.port), timeout=20) as connection:
        connection.sendall(
            f"GET {socket_api} HTTP/1.1\r\nHost: {place.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n".encode()
        )
        assert connection.recv(1024).startswith(b"HTTP/1.1 403 ")
