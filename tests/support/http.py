"""The API function as API Gateway would call it, and as an application that a test client can drive."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote

from ftask.core.failed_index import FailedIndex
from ftask.core.manifest import Manifest, TaskType
from ftask.core.metrics import Meter, Usage
from ftask.core.submission import Submitter
from ftask.core.threads import CallMap, one_by_one
from ftask.core.timestamps import now
from stack.handlers.api import OPENAPI, Api
from tests.support.resources import Resources

ROUTES = [
    (f"{method.upper()} {path}", re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)))
    for path, methods in json.loads(OPENAPI.read_bytes())["paths"].items()
    for method in methods
]


# What stands for a signature here.
SIGNED = "signed"


@dataclass(frozen=True)
class Answered:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    json: Any


def api_over(
    resources: Resources, max_attempts: int = 2, types: Sequence[TaskType] = (), call_map: CallMap = one_by_one
) -> Api:
    """The API over these resources, of a deployment that has these types and the experiment."""
    manifest = Manifest(tuple(types)).with_experiment()
    submitter = Submitter(resources.store, resources.queue, now, max_attempts, timedelta(days=30), manifest, call_map)
    failed = FailedIndex(lambda: resources.dynamodb, resources.table)
    return Api(resources.store, submitter, failed, Meter("ftask-test", Usage(), write=lambda *_, **__: None))


def event_of(method: str, path: str, query: str = "", headers: dict[str, str] | None = None, body: bytes = b"") -> Any:
    """The event that API Gateway makes of a request; None where no route takes it."""
    # The most particular route first, as API Gateway has it.
    for route, pattern in sorted(ROUTES, key=lambda pair: "{" in pair[0]):
        match = pattern.fullmatch(path)
        if match and route.split()[0] == method:
            try:
                text, encoded = body.decode(), False
            except UnicodeDecodeError:
                text, encoded = base64.b64encode(body).decode(), True
            return {
                "version": "2.0",
                "routeKey": route,
                "rawPath": path,
                "headers": {name.lower(): value for name, value in (headers or {}).items()},
                "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True)) or None,
                "pathParameters": {name: unquote(value) for name, value in match.groupdict().items()} or None,
                "isBase64Encoded": encoded,
                **({"body": text} if body else {}),
            }
    return None


def call(api: Api, method: str, url: str, body: Any = None, **headers: str) -> Answered:
    """Send a request; a body that is no bytes is sent as JSON."""
    path, _, query = url.partition("?")
    raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    named = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    answer = api.answer(event_of(method, path, query, named, raw))
    return Answered(answer["statusCode"], answer["headers"], json.loads(answer["body"]))


def application(api: Api) -> Callable[..., Iterable[bytes]]:
    """The API as a WSGI application: API Gateway's part, as far as a client sees it."""

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        headers = {name[5:].replace("_", "-"): value for name, value in environ.items() if name.startswith("HTTP_")}
        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        path = environ["PATH_INFO"].encode("latin-1").decode("utf-8", "replace")
        if headers.get("AUTHORIZATION") != SIGNED:
            start("403 Forbidden", [("content-type", "application/json")])
            return [b'{"message": "Forbidden"}']
        event = event_of(environ["REQUEST_METHOD"], path, environ.get("QUERY_STRING", ""), headers, body)
        if event is None:
            known = any(pattern.fullmatch(path) for _, pattern in ROUTES)
            start("405 Method Not Allowed" if known else "404 Not Found", [("content-type", "application/json")])
            return [b'{"message": "Not Found"}']
        answer = api.answer(event)
        status = HTTPStatus(answer["statusCode"])
        start(f"{int(status)} {status.phrase}", list(answer["headers"].items()))
        return [answer["body"].encode()]

    return serve
