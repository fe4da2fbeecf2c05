"""Where a client's API is, and with whose rights it is called."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.credentials import Credentials, RefreshableCredentials

from ftask import AsyncClient, FtaskError
from ftask.client.async_transport import open_async_http
from ftask.client.connection import Connection, connect
from ftask.core.due import Due, parse_due
from tests.support.gateway import URL, Gateway

ANSWER = json.dumps({"taskId": "a", "status": "PENDING", "createdAt": "now"}).encode()


def accepting() -> Gateway:
    return Gateway(lambda *_: (202, {}, ANSWER))


def test_the_url_alone_is_enough_and_has_the_region() -> None:
    connection = connect(variables={"FTASK_API_URL": f"{URL}/"})
    assert (connection.url, connection.region) == (URL, "eu-west-1")


@contextmanager
def cloudformation(**outputs: str) -> Iterator[str]:
    """CloudFormation with the stack ftask-prod, which has these outputs."""
    members = "".join(
        f"<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>"
        for key, value in outputs.items()
    )
    stack = f"<StackName>ftask-prod</StackName><StackStatus>CREATE_COMPLETE</StackStatus><Outputs>{members}</Outputs>"
    there = f"<DescribeStacksResult><Stacks><member>{stack}</member></Stacks></DescribeStacksResult>"
    missing = "<Error><Code>ValidationError</Code><Message>Stack with id ftask-test does not exist</Message></Error>"

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            is_there = b"ftask-prod" in self.rfile.read(int(self.headers["content-length"]))
            body = f"<DescribeStacksResponse>{there}</DescribeStacksResponse>" if is_there else missing
            self.send_response(200 if is_there else 400)
            self.end_headers()
            self.wfile.write((body if is_there else f"<ErrorResponse>{missing}</ErrorResponse>").encode())

        def log_message(self, *_: object) -> None:
            """Keep the test's output quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_stage_that_is_named_goes_before_the_url_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "https://xyz.execute-api.us-west-2.amazonaws.com/v1"
    with cloudformation(ApiUrl=url) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", endpoint)
        connection = connect("prod", region="us-west-2", variables={"FTASK_API_URL": URL})
        with pytest.raises(FtaskError, match="Stage 'test' is not deployed") as caught:
            connect("test", region="us-west-2", variables={})
    assert connection.url == url
    assert caught.value.hint == "Deploy it with: ftask deploy -s test"


def test_without_an_engine_the_local_stage_says_how_to_start_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FTASK_STATE_DIR", str(tmp_path))
    with pytest.raises(FtaskError) as caught:
        connect(variables={})
    assert caught.value.hint == "Start it with: ftask local up"


def test_a_token_is_sent_over_tls_or_not_at_all() -> None:
    with pytest.raises(FtaskError, match="has no TLS"):
        connect(api_url="http://api.example.org", token="a token", variables={})
    assert connect(api_url="http://127.0.0.1:1", token="a token", variables={}).signer() is None


def refreshable(refresh: Callable[[], dict[str, Any]], valid: timedelta) -> RefreshableCredentials:
    made: Any = RefreshableCredentials
    credentials: RefreshableCredentials = made("a", "s", "t", datetime.now(UTC) + valid, refresh, "test")
    return credentials


@pytest.mark.parametrize(("valid", "refreshes"), [(timedelta(minutes=1), 1), (timedelta(hours=2), 0)])
def test_credentials_are_refreshed_in_a_thread_and_only_when_due(valid: timedelta, refreshes: int) -> None:
    threads: list[int] = []

    def refresh() -> dict[str, Any]:
        threads.append(threading.get_ident())
        expiry = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        return {"access_key": "new", "secret_key": "s", "token": "t", "expiry_time": expiry}

    credentials = refreshable(refresh, valid)

    async def submit() -> None:
        client = accepting().async_client()
        client._shared.connect = lambda: Connection(URL, "eu-west-1", lambda: credentials)
        for _ in range(3):
            await client.submit("experiment")

    asyncio.run(submit())
    assert len(threads) == refreshes
    assert threading.get_ident() not in threads


def test_missing_credentials_are_said_without_a_request() -> None:
    gateway = accepting()
    client = gateway.client()
    client._shared._connection = Connection(URL, "eu-west-1", lambda: None)
    with pytest.raises(FtaskError, match="No AWS credentials"):
        client.submit("experiment")
    assert gateway.requests == []


def test_the_proxy_is_chosen_once_by_the_rules_of_botocore(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "proxy.example.org:3128")
    monkeypatch.setenv("NO_PROXY", "other.example.org")
    connection = connect(api_url=URL, variables={})
    assert connection.proxies["https"] == "proxy.example.org:3128"
    assert connect(api_url="https://other.example.org", region="eu-west-1", variables={}).proxies == {}
    assert connect(api_url="https://127.0.0.1:1", region="eu-west-1", variables={}).proxies == {}
    asyncio.run(open_async_http(connection, 1.0).aclose())


def test_a_request_is_signed_for_what_is_sent() -> None:
    gateway = accepting()
    credentials = Credentials("AKIDEXAMPLE", "secret")
    client = gateway.async_client()
    seen: list[Any] = []
    client._shared.connect = lambda: Connection(URL, "eu-west-1", lambda: credentials)

    async def keep(request: Any) -> None:
        seen.append(request)

    async def submit() -> None:
        assert client._http is not None
        client._http.event_hooks["request"] = [keep]
        await client.submit("a.type-1", {"a": 1}, delay=2)

    asyncio.run(submit())
    (request,) = seen
    assert str(request.url) == f"{URL}/tasks?delay=2.0&type=a.type-1"
    assert "/eu-west-1/execute-api/aws4_request" in request.headers["authorization"]


@pytest.mark.parametrize(
    ("delay", "read"),
    [(0.00005, 0.0), (timedelta(microseconds=50), 0.0), (0.0012, 0.001), (timedelta(days=366), 31_622_400.0)],
)
def test_the_api_can_read_a_delay_of_any_length(delay: float | timedelta, read: float) -> None:
    gateway = accepting()
    gateway.client().submit("greet", {}, delay=delay)
    ((request, _),) = gateway.requests
    text = dict(parse_qsl(urlsplit(request).query))["delay"]
    assert parse_due(text, None, datetime.now(UTC)) == Due(delay=timedelta(seconds=read))


def test_a_client_of_another_timeout_shares_the_poller() -> None:
    client = AsyncClient(api_url=URL)
    other = client.with_options(timeout=1, max_retries=0)
    assert other._shared is client._shared
    assert (other._timeout, other._max_retries, client._max_retries) == (1, 0, 4)


def test_importing_ftask_and_making_a_client_loads_no_part_of_the_command_line() -> None:
    code = (
        "import sys, ftask; bare = {m for m in sys.modules if m.startswith('ftask')}; assert bare == {'ftask'}, bare;"
        "ftask.Client(); heavy = {'boto3', 'typer', 'rich', 'pydantic', 'httpx2', 'asyncio'} & sys.modules.keys();"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
