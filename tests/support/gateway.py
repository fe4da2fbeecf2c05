"""The API behind a client's HTTP: it answers as deployed, and can harm requests as networks and gateways do."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from enum import StrEnum
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import httpx2
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError

from ftask import AsyncClient, Client
from stack.handlers.api import Api
from tests.support.http import event_of

URL = "https://abc.execute-api.eu-west-1.amazonaws.com/v1"


class Harm(StrEnum):
    """What may happen to a request."""

    THROTTLE = "answered 429"
    UNAVAILABLE = "answered 503"
    DROP = "connection dropped before the API got it"
    LOSE = "answer lost"
    REPEAT = "arrived twice"


class Dropped(Exception):  # noqa: N818 - what happened
    """The connection ended without an answer."""


Serve = Callable[[str, str, Mapping[str, str], bytes], tuple[int, dict[str, str], bytes]]


class Gateway:
    """Serves clients by `serve`, after `harm` has had its say of each request."""

    def __init__(self, serve: Serve, harm: Callable[[], Harm | None] = lambda: None) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.harmed: Counter[Harm] = Counter()
        self._serve = serve
        self._harm = harm
        self._lock = threading.Lock()

    @classmethod
    def of(cls, api: Api, harm: Callable[[], Harm | None] = lambda: None) -> Gateway:
        """A gateway before the API's function."""

        def serve(method: str, path: str, headers: Mapping[str, str], body: bytes) -> Any:
            url = urlsplit(path)
            answer = api.answer(event_of(method, url.path, url.query, dict(headers), body))
            return answer["statusCode"], answer["headers"], answer["body"].encode()

        return cls(serve, harm)

    def answer(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any, bytes]:
        path = url.removeprefix(URL)
        with self._lock:
            self.requests.append((f"{method} {path}", json.loads(body) if body else None))
            harm = self._harm()
            if harm is not None:
                self.harmed[harm] += 1
            if harm in (Harm.THROTTLE, Harm.UNAVAILABLE):
                return (429 if harm is Harm.THROTTLE else 503), {"retry-after": "1"}, b'{"message": "harmed"}'
            if harm is Harm.DROP:
                raise Dropped
            if harm is Harm.REPEAT:
                self._serve(method, path, headers, body)
            answered = self._serve(method, path, headers, body)
            if harm is Harm.LOSE:
                raise Dropped
            return answered

    def client(self, **options: Any) -> Client:
        """A client of this API, which does not wait."""
        return Client(api_url=URL, http_client=_SyncHttp(self), sleep=lambda _: None, **options)

    def async_client(self, **options: Any) -> AsyncClient:
        """The same for an event loop."""

        async def handle(request: httpx2.Request) -> httpx2.Response:
            try:
                status, headers, content = self.answer(
                    request.method, str(request.url), request.headers, request.content
                )
            except Dropped:
                raise httpx2.ReadError("dropped", request=request) from None
            return httpx2.Response(status, headers=headers, content=content)

        async def no_sleep(_: float) -> None: ...

        http = httpx2.AsyncClient(transport=httpx2.MockTransport(handle))
        return AsyncClient(api_url=URL, http_client=http, sleep=no_sleep, **options)


class _SyncHttp:
    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def send(self, request: Any) -> Any:
        if not request.headers.get("Authorization"):
            raise EndpointConnectionError(endpoint_url="an unsigned request")
        try:
            status, headers, content = self._gateway.answer(
                request.method, request.url, request.headers, request.body or b""
            )
        except Dropped:
            raise ConnectionClosedError(endpoint_url=request.url) from None
        return SimpleNamespace(status_code=status, headers=headers, content=content)
