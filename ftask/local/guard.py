"""The guard in front of the local engine, in the engine's own process.

ministack answers requests of every origin and host, and takes several well-known keys for root. The guard lets a
request through only if it does not come from a foreign web page, and is signed with a key that exists. Requests to an
API that is deployed without IAM authorization need no signature, as on AWS. ftask uses no WebSocket, so none is opened.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, quote

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

# A page that rebinds its own name to this machine still sends that name. The port may be a forwarded one.
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
# What a browser says of a request that no page of another origin caused.
# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
_OWN_SITES = frozenset({"same-origin", "none"})
# The error code of a request without credentials.
ANONYMOUS = "MissingAuthenticationToken"
_FORBIDDEN = 403
_POLICY_VIOLATION = 1008


@dataclass(frozen=True, slots=True)
class Request:
    """A request before its body is read. Header lines of one name are joined by commas, as signatures have them."""

    method: str
    path: str
    raw_path: str
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]

    @classmethod
    def of(cls, scope: Message) -> Request:
        """Return the request of an ASGI scope."""
        headers: dict[str, str] = {}
        for raw_name, raw_value in scope["headers"]:
            name, value = raw_name.decode("latin-1").lower(), _text(raw_value)
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["path"], raw_path.decode("latin-1"), query, headers)

    @property
    def is_for_engine(self) -> bool:
        """Whether the request is for the emulator's own controls, not for a service of AWS."""
        return self.path.startswith("/_") or self.path == "/health"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: an error code of AWS, and a sentence."""

    code: str
    message: str


class Route(Protocol):
    """The route of a deployed API that a request is for."""

    @property
    def is_open(self) -> bool:
        """Whether the API takes requests without a signature."""

    def allows_origin(self, origin: str) -> bool:
        """Return whether pages of this origin may call the API."""


class Claim(Protocol):
    """Whose key signed a request, if the signature is right."""

    @property
    def is_root(self) -> bool:
        """Whether the key is the engine's root key."""

    def refusal(self, body: bytes) -> Refusal | None:
        """Return why the signature is wrong, or None if it is right."""


class Emulator(Protocol):
    """What the guard asks of the emulator."""

    def route(self, request: Request) -> Route | None:
        """Return the route of a deployed HTTP API that the request is for, None if it is for anything else."""

    def claim(self, request: Request) -> Claim | Refusal:
        """Return the key that the request names, if it exists and the request is not too old."""

    def refused(self, request: Request, refusal: Refusal) -> tuple[int, Mapping[str, str], bytes]:
        """Return status, headers and body of a refusal, in the protocol of the service that is called."""


class Guard:
    """An ASGI application that lets the requests of ftask and of signed clients through to `app`."""

    def __init__(self, app: Application, emulator: Emulator) -> None:
        self._app = app
        self._emulator = emulator

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "lifespan":
                await self._app(scope, receive, send)
            case "http":
                await self._serve(scope, receive, send)
            case _:
                await receive()
                await send({"type": "websocket.close", "code": _POLICY_VIOLATION})

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        request = Request.of(scope)
        route = self._emulator.route(request)
        reason = foreign(request, route)
        if reason is not None:
            await _answer(send, _FORBIDDEN, {}, _json(reason))
            return
        # API Gateway answers a preflight request itself, without authorization.
        if route is not None and (route.is_open or request.method == "OPTIONS"):
            await self._app(scope, receive, send)
            return
        claim = self._emulator.claim(request)
        body = b""
        if isinstance(claim, Refusal):
            refusal: Refusal | None = claim
        elif route is None and request.is_for_engine and not claim.is_root:
            refusal = Refusal("AccessDenied", "Only the engine's root key may use this path.")
        else:
            received = await _body(receive)
            if received is None:
                return
            body = received
            refusal = claim.refusal(body)
        if refusal is None:
            await self._app(scope, _replaying(body, receive), send)
        elif route is not None:
            # An API tells a caller without credentials no more than this.
            is_anonymous = refusal.code == ANONYMOUS
            await _answer(send, _FORBIDDEN, {}, _json("Forbidden" if is_anonymous else refusal.message))
        else:
            await _answer(send, *self._emulator.refused(request, refusal))


def foreign(request: Request, route: Route | None) -> str | None:
    """Return why a request comes from a foreign web page, or None.

    Origins that a deployed API allows may call that API.
    """
    host = request.headers.get("host", "")
    if not _OWN_HOST.fullmatch(host):
        return f"The local engine serves 127.0.0.1 and localhost, not the host {host!r}."
    origin = request.headers.get("origin")
    if origin is not None:
        if route is None:
            return f"The local engine serves no web pages, and this request comes from {origin!r}."
        if not route.allows_origin(origin):
            return f"CorsAllowOrigins of the stack does not list the origin {origin!r}."
    elif request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
        return "The local engine refuses requests that another web page causes."
    return None


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _json(message: str) -> bytes:
    return json.dumps({"message": message}).encode()


async def _body(receive: Receive) -> bytes | None:
    """Return the whole body, or None if the client has gone."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replaying(body: bytes, receive: Receive) -> Receive:
    """Return a channel that gives the body, which has been read, and then what `receive` gives."""
    pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return pending.pop() if pending else await receive()

    return receive_again


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    fields = {"content-type": "application/json"} | {name.lower(): value for name, value in headers.items()}
    fields["content-length"] = str(len(body))
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
