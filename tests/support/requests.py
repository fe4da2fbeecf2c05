"""Raw HTTP to the local engine: what a browser, another user of the machine or another program could send."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from ftask.aws.target import Target
from ftask.core.local_stage import LOCAL_REGION

FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are lower-case."""

    status: int
    headers: dict[str, str]
    body: bytes


def request(
    target: Target, method: str = "GET", path: str = "/", headers: Mapping[str, str] | None = None, body: bytes = b""
) -> Answer:
    """Send a request with these headers and, besides, only those that HTTP needs."""
    place = urlsplit(str(target.endpoint_url))
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=20)
    try:
        connection.request(method, path, body, {"host": place.netloc} | dict(headers or {}))
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def signature(
    target: Target,
    service: str,
    method: str = "GET",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    key: Credentials | None = None,
) -> dict[str, str]:
    """The headers with a signature by `key`, by default the engine's root key."""
    signed = _unsigned(target, method, path, headers, body)
    SigV4Auth(key or root(target), service, LOCAL_REGION).add_auth(signed)
    return dict(signed.headers.items())


def presigned(target: Target, service: str, path: str, expires: int = 60, key: Credentials | None = None) -> str:
    """The path of a GET request with a signature in its query."""
    unsigned = _unsigned(target, "GET", path, None, b"")
    SigV4QueryAuth(key or root(target), service, LOCAL_REGION, expires).add_auth(unsigned)
    split = urlsplit(str(unsigned.url))
    return f"{split.path}?{split.query}"


def root(target: Target) -> Credentials:
    return Credentials(str(target.access_key), str(target.secret_key))


def _unsigned(target: Target, method: str, path: str, headers: Mapping[str, str] | None, body: bytes) -> Any:
    host = {"host": urlsplit(str(target.endpoint_url)).netloc}
    return AWSRequest(method, f"{target.endpoint_url}{path}", headers=host | dict(headers or {}), data=body)
