"""An API behind a fake HTTP session: each answer is prepared, each request kept."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import EndpointConnectionError

from ftask.aws.api import ApiClient
from ftask.aws.target import Target
from ftask.client.retrying import RetryRule

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
UNREACHABLE = None


@dataclass(frozen=True)
class Reply:
    """What the API answers to one request."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass
class FakeHttp:
    """Answers each request, by its path and its JSON body, as `reply` says; None means that nothing answers."""

    reply: Callable[[str, Any], Reply | None]
    requests: list[tuple[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def send(self, request: Any) -> Any:
        path = request.url.removeprefix("https://api.example.org")
        body = json.loads(request.body) if request.body else None
        with self._lock:
            self.requests.append((path, body))
            reply = self.reply(path, body)
        if reply is None:
            raise EndpointConnectionError(endpoint_url=request.url)
        return SimpleNamespace(
            status_code=reply.status, content=json.dumps(reply.body).encode(), headers=dict(reply.headers)
        )


class Pauses(threading.Event):
    """An event nobody waits for: it keeps the pauses."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout or 0.0)
        return self.is_set()


def fake_client(reply: Callable[[str, Any], Reply | None]) -> tuple[ApiClient, FakeHttp, Pauses]:
    """A client of an API that answers so."""
    http, pauses = FakeHttp(reply), Pauses()
    target = Target("prod", region="eu-west-1", access_key="a", secret_key="b")
    rule = RetryRule(random=lambda: 0.0, now=lambda: NOW)
    client = ApiClient(target, "https://api.example.org", pauses, rule, cast("Any", http))
    return client, http, pauses


def accepted(number: int = 0) -> dict[str, Any]:
    """The API's answer to a task that it accepted."""
    return {"accepted": True, "taskId": f"{number:032x}", "status": "PENDING", "createdAt": "2026-03-01T12:00:00.000Z"}


def refused(status: int) -> dict[str, Any]:
    """The API's answer to a task of a batch that it did not accept."""
    return {"accepted": False, "problem": {"status": status, "detail": f"refused with {status}"}}
