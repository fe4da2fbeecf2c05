"""The stage's own HTTP API for commands: the application's client, without its handles."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.utils import get_environ_proxies

from ftask.aws.profile import read_profile
from ftask.aws.target import Target
from ftask.client.answers import Accepted
from ftask.client.calls import Calls
from ftask.client.connection import Connection, ca_bundle
from ftask.client.errors import ApiError
from ftask.client.requests import Request, TaskRequest
from ftask.client.retrying import RetryRule
from ftask.client.transport import HttpClient, Transport, open_http


@dataclass
class ApiClient:
    """Calls the API at `url`; many threads may share it. Setting `stopping` ends the retries.

    Requests carry the bearer `token`, or a signature where it is None. `find_url` returns the URL of the API as the
    stack has it now; it is given where `url` may be an old one.
    """

    target: Target
    url: str
    stopping: threading.Event = field(default_factory=threading.Event)
    rule: RetryRule = field(default_factory=RetryRule)
    http: HttpClient | None = None
    token: str | None = field(default=None, repr=False)
    find_url: Callable[[], str] | None = None

    @cached_property
    def _calls(self) -> Calls:
        target = self.target
        return Calls(
            Connection(
                *(self.url, target.region_name, target.credentials, self.token, self.find_url),
                # A proxy does not reach this machine.
                proxies={} if target.is_on_this_machine else get_environ_proxies(self.url),
                ca_bundle=ca_bundle(
                    None if target.is_on_this_machine else read_profile(target.profile).settings.get("ca_bundle")
                ),
            ),
            self.rule,
        )

    @cached_property
    def _transport(self) -> Transport:
        connection = self._calls.connection
        return Transport(
            connection, self.http or open_http(connection), lambda seconds: not self.stopping.wait(seconds)
        )

    def submit(self, task: TaskRequest) -> Accepted:
        """Submit one task; see :meth:`ftask.client.calls.Calls.submit`."""
        return self._transport.run(self._calls.submit(task))

    def submit_many(self, tasks: Sequence[TaskRequest]) -> list[Accepted | ApiError]:
        """Submit up to 100 tasks; see :meth:`ftask.client.calls.Calls.submit_batch`."""
        return self._transport.run(self._calls.submit_batch(tasks))

    def get(self, task_id: str) -> dict[str, Any]:
        """Return the public form of the task; see :meth:`ftask.client.calls.Calls.get`."""
        return self._transport.run(self._calls.get(task_id))

    def document(self) -> dict[str, Any]:
        """Return the OpenAPI document of the deployed API."""
        return self._transport.run(self._calls.send(Request("GET", "/openapi.json")))
