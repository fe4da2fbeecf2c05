"""What a test has instead of a client: submissions are collected, nothing is sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

from ftask.client.client import Client, Handle
from ftask.client.keys import new_key
from ftask.client.requests import NewTask
from ftask.core.due import parse_due
from ftask.core.errors import FtaskError
from ftask.core.labels import parse_labels
from ftask.core.payload import parse_payload
from ftask.core.timestamps import now

# No client of these is asked where its API is, or for credentials.
_NOWHERE: Any = {"api_url": "https://collected.invalid", "region": "none", "token": "none"}


class Collector:
    """Takes the place of a process's clients; `sent` has each submission, with its payload as a worker would get it."""

    def __init__(self) -> None:
        self.sent: list[NewTask] = []
        self._client = Client(**_NOWHERE, http_client=_Refusing())

    def submit(self, type: str, payload: Mapping[str, Any], **options: Any) -> Handle[Any]:  # noqa: A002 - as a client
        """Collect a submission, if a client and the API would take its options; return the handle of a new task."""
        return self._client.handle(*self._collect(type, payload, **options))

    async def submit_async(self, type: str, payload: Mapping[str, Any], **options: Any) -> Any:  # noqa: A002
        """Collect a submission of an event loop."""
        from ftask.client.async_client import AsyncClient  # of an extra

        refusing: Any = _Refusing()
        return AsyncClient(**_NOWHERE, http_client=refusing).handle(*self._collect(type, payload, **options))

    def _collect(
        self,
        type: str,  # noqa: A002
        payload: Mapping[str, Any],
        *,
        if_exists: str = "return",
        **options: Any,
    ) -> tuple[str, str | None]:
        request = NewTask(type, payload, **options).request(new_key())
        parse_labels(request.options)
        parse_due(request.options.get("delay"), request.options.get("at"), now())
        self.sent.append(NewTask(type, parse_payload(request.payload), **options))
        return f"{len(self.sent):032x}", request.own_key


class _Refusing:
    """What sends the requests of both clients: none."""

    def send(self, *_: Any, **__: Any) -> NoReturn:
        raise FtaskError(
            "This task was collected by ftask.testing.submissions(): it does not run, and has no result.",
            "Run it in the test with: ftask.testing.run(task, payload)",
        )

    request = send
