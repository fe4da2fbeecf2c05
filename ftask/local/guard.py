"""The guard in front of the local engine, in the engine's own process.

ministack answers requests of every origin and host, and takes several well-known keys for root, without a look at their
signatures. The guard lets a request through only if it does not come from a foreign web page, and is signed with a key
that exists. Requests to an API that is deployed without IAM authorization need no signature, as on AWS. ftask uses no
WebSocket, so none is opened.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote

from ministack.core import iam_actions, iam_evaluator, router, sigv4
from ministack.services import apigateway

from ftask.local.record import RootKey

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

ACCOUNT = "000000000000"
_APIS = "/_aws/execute-api/"
# Types of authorization that need no signature; the API itself checks the token of JWT.
_UNSIGNED_TYPES = frozenset({"NONE", "JWT"})
_ANONYMOUS = "MissingAuthenticationToken"
_ALGORITHM = "AWS4-HMAC-SHA256"
# A page that rebinds its own name to this machine still sends that name. The port may be a forwarded one.
_OWN_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?", re.ASCII | re.IGNORECASE)
# What a browser says of a request that no page of another origin caused.
# https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
_OWN_SITES = frozenset({"same-origin", "none"})
# How far a clock may be off, and how long a presigned request may be valid.
# https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
_CLOCK_SKEW = timedelta(minutes=15)
_LONGEST_PRESIGNED = timedelta(days=7)
_QUERY_CREDENTIALS = frozenset({"x-amz-credential", "awsaccesskeyid"})
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
            name, value = raw_name.decode("latin-1").lower(), sigv4.decode_header_value(raw_value)
            headers[name] = f"{headers[name]},{value}" if name in headers else value
        raw_path = scope.get("raw_path") or quote(scope["path"]).encode()
        query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return cls(scope["method"], scope["path"], raw_path.decode("latin-1"), query, headers)

    @property
    def is_for_api(self) -> bool:
        """Whether the request is for an API that was deployed here."""
        return self.path.startswith(_APIS)

    @property
    def is_for_engine(self) -> bool:
        """Whether the request is for the emulator's own controls, not for a service of AWS."""
        return not self.is_for_api and (self.path.startswith("/_") or self.path == "/health")

    @property
    def needs_signature(self) -> bool:
        """Whether a key must have signed it. API Gateway answers a preflight request itself, without authorization."""
        if not self.is_for_api:
            return True
        api_id, stage, path = f"{self.path.removeprefix(_APIS)}//".split("/", 2)
        kind = apigateway.route_authorization_type(api_id, stage, self.method, path.removesuffix("//"))
        return self.method != "OPTIONS" and kind not in _UNSIGNED_TYPES

    @property
    def query_credentials(self) -> list[str]:
        """The parameters of the query that name an access key."""
        return [name for name in self.query if name.lower() in _QUERY_CREDENTIALS]

    def value(self, name: str) -> str:
        """Return a parameter of the query, empty if it is missing."""
        return self.query.get(name, [""])[0]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: an error code of AWS, and a sentence."""

    code: str
    message: str


_UNKNOWN_KEY = Refusal("UnrecognizedClientException", "The security token included in the request is invalid.")


class Guard:
    """An ASGI application that lets the requests of ftask and of signed clients through to `app`."""

    def __init__(self, app: Application, root: RootKey) -> None:
        self._app = app
        self._root = root

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
        if (reason := await self._foreign(request, scope)) is not None:
            await _answer(send, _FORBIDDEN, {}, json.dumps({"message": reason}).encode())
            return
        if not request.needs_signature:
            await self._app(scope, receive, send)
            return
        if (body := await _body(receive)) is None:
            return
        if (refusal := self._refusal(request, body)) is None:
            await self._app(scope, _replaying(body, receive), send)
        elif request.is_for_api:
            # An API tells a caller without credentials no more than this.
            text = "Forbidden" if refusal.code == _ANONYMOUS else refusal.message
            await _answer(send, _FORBIDDEN, {}, json.dumps({"message": text}).encode())
        else:
            await _answer(send, *_in_protocol(request, refusal))

    async def _foreign(self, request: Request, scope: Message) -> str | None:
        """Return why a request comes from a foreign web page, or None."""
        host = request.headers.get("host", "")
        if not _OWN_HOST.fullmatch(host):
            return f"The local engine serves 127.0.0.1 and localhost, not the host {host!r}."
        origin = request.headers.get("origin")
        if origin is not None:
            if not request.is_for_api:
                return f"The local engine serves no web pages, and this request comes from {origin!r}."
            if not await self._allows(origin, scope):
                return f"CorsAllowOrigins of the stack does not list the origin {origin!r}."
        elif request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            return "The local engine refuses requests that another web page causes."
        return None

    async def _allows(self, origin: str, scope: Message) -> bool:
        """Ask the deployed API, by a preflight request, whether pages of this origin may call it."""
        headers = [(b"origin", origin.encode()), (b"access-control-request-method", b"GET")]
        headers += [line for line in scope["headers"] if line[0].lower() == b"host"]
        answers: list[Message] = []

        async def keep(message: Message) -> None:
            answers.append(message)

        await self._app({**scope, "method": "OPTIONS", "headers": headers}, _replaying(b"", _gone), keep)
        names = {name.lower() for answer in answers for name, _ in answer.get("headers", ())}
        return b"access-control-allow-origin" in names

    def _refusal(self, request: Request, body: bytes) -> Refusal | None:
        """Return why the request's signature does not count, or None if an existing key has made it."""
        header = request.headers.get("authorization")
        if header is None and not request.query_credentials:
            return Refusal(_ANONYMOUS, "Request is missing Authentication Token")
        if len(request.query_credentials) + (header is not None) > 1:
            return Refusal("IncompleteSignature", "The request has more than one signature.")
        if (request.value("X-Amz-Algorithm") if header is None else header.partition(" ")[0]) != _ALGORITHM:
            return Refusal("IncompleteSignature", f"The local engine accepts Signature Version 4 only ({_ALGORITHM}).")
        is_presigned = header is None
        parse = sigv4.parse_query_signature if is_presigned else sigv4.parse_header_signature
        signature = parse(request.query if is_presigned else request.headers)
        if isinstance(signature, tuple):
            return Refusal(*signature)
        key = signature.access_key_id
        # ministack decides by its own reading of the request what the caller may do.
        if router.extract_access_key_id(request.headers, request.query) != key:
            return Refusal("IncompleteSignature", "The request names more than one access key.")
        late = _presigned_failure(request, signature) if is_presigned else sigv4.request_time_failure(signature)
        if late is not None:
            return Refusal(*late)
        secret = self._secret(key, request.headers.get("x-amz-security-token") or request.value("X-Amz-Security-Token"))
        if isinstance(secret, Refusal):
            return secret
        signed = (request.method, request.raw_path, request.query, request.headers, body)
        if failure := sigv4.header_signature_failure(signature, secret, *signed, presigned=is_presigned):
            return Refusal(*failure)
        if request.is_for_engine and key != self._root.access_key_id:
            return Refusal("AccessDenied", "Only the engine's root key may use this path.")
        return None

    def _secret(self, key: str, token: str) -> str | Refusal:
        """Return the secret of the root key, of a user's key, or of a role's session with its token."""
        if key == self._root.access_key_id and not token:
            return self._root.secret_access_key
        # ministack takes several other keys for root too.
        if iam_evaluator.is_root_access_key(key):
            return _UNKNOWN_KEY
        credential = iam_evaluator.resolve_credential(key, ACCOUNT, token)
        if isinstance(credential, iam_evaluator.CredentialResolutionError):
            return Refusal(credential.code, credential.message)
        return str(credential.secret_access_key)


def _presigned_failure(request: Request, signature: Any) -> tuple[str, str] | None:
    """Return why a presigned request is not valid at this time, or None if it is."""
    expires = request.value("X-Amz-Expires")
    try:
        signed_at = datetime.strptime(signature.amz_date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lifetime = min(timedelta(seconds=int(expires)), _LONGEST_PRESIGNED)
    except (ValueError, OverflowError):
        return "AuthorizationQueryParametersError", "X-Amz-Date and X-Amz-Expires must be a time and seconds."
    if not signed_at - _CLOCK_SKEW <= datetime.now(UTC) <= signed_at + lifetime:
        return "AccessDenied", "Request has expired"
    return None


def _in_protocol(request: Request, refusal: Refusal) -> tuple[int, Mapping[str, str], bytes]:
    """Return status, headers and body of a refusal, in the protocol of the service that is called."""
    service = router.detect_service(request.method, request.path, request.headers, request.query)
    status, headers, body = iam_actions.access_denied_response(
        service,
        "",
        "",
        str(uuid.uuid4()),
        error_code=refusal.code,
        message=refusal.message,
        headers=request.headers,
    )
    return status, headers, body


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


async def _gone() -> Message:
    return {"type": "http.disconnect"}


async def _answer(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    fields = {"content-type": "application/json"} | {name.lower(): value for name, value in headers.items()}
    fields["content-length"] = str(len(body))
    lines = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields.items()]
    await send({"type": "http.response.start", "status": status, "headers": lines})
    await send({"type": "http.response.body", "body": body})
