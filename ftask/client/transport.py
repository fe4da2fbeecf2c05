"""The synchronous transport: runs a call with what botocore brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import URLLib3Session

from ftask.client.answers import Response
from ftask.client.calls import Blocking, Call, Pause, Send
from ftask.client.connection import Connection
from ftask.client.errors import ApiConnectionError
from ftask.client.requests import signed

T = TypeVar("T")

# A little longer than the 30 s after which API Gateway itself gives up.
TIMEOUT_SECONDS = 35.0
CONNECTIONS = 16


class HttpClient(Protocol):
    """What sends a request: botocore's URLLib3Session, or a test's stand-in."""

    def send(self, request: AWSPreparedRequest) -> Any:
        """Return an answer with `status_code`, `headers` and `content`."""


def open_http(connection: Connection, timeout_seconds: float = TIMEOUT_SECONDS) -> URLLib3Session:
    """Return connections through the proxies and with the certificates that boto3's own clients use."""
    timeout: Any = timeout_seconds  # the stubs know whole seconds only
    verify: Any = connection.ca_bundle or True
    return URLLib3Session(
        verify=verify, proxies=dict(connection.proxies), timeout=timeout, max_pool_connections=CONNECTIONS
    )


class Transport:
    """Runs calls; threads may share it.

    `wait` waits for some seconds, and returns whether to go on.
    """

    def __init__(self, connection: Connection, http: HttpClient, wait: Callable[[float], bool]) -> None:
        self.connection = connection
        self._http = http
        self._wait = wait

    def run(self, call: Call[T]) -> T:
        """Do what the call says; return its result."""
        try:
            step = next(call)
            while True:
                try:
                    outcome = self._do(step)
                except BaseException as error:  # noqa: BLE001 - the call judges it
                    step = call.throw(error)
                else:
                    step = call.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    def _do(self, step: Send | Pause | Blocking) -> Any:
        if isinstance(step, Pause):
            return self._wait(step.seconds)
        if isinstance(step, Blocking):
            return step.function()
        connection = self.connection
        prepared = signed(step.request, step.url, connection.region, connection.signer(), connection.token)
        try:
            answer = self._http.send(prepared)
            return Response(answer.status_code, answer.headers, answer.content)
        except BotoCoreError as error:
            raise ApiConnectionError(f"{str(error).rstrip('.')}.") from error
