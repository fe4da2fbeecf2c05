"""The asynchronous transport: runs a call over httpx2. Nothing here blocks the event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from ftask.client.answers import Response
from ftask.client.calls import Blocking, Call, Pause, Send
from ftask.client.connection import Connection
from ftask.client.errors import ApiConnectionError
from ftask.client.requests import signed

try:
    import httpx2 as httpx2
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "ftask.AsyncClient needs httpx2. Install it, or add it to the requirements of the tasks.", name="httpx2"
    ) from error

T = TypeVar("T")


def open_async_http(connection: Connection, timeout_seconds: float) -> httpx2.AsyncClient:
    """Return connections through the proxy and with the certificates that botocore would choose.

    It reads certificates, so it runs in a thread.
    """
    proxy = connection.proxies.get(urlsplit(connection.url).scheme)
    verify: Any = ssl.create_default_context(cafile=connection.ca_bundle) if connection.ca_bundle else True
    return httpx2.AsyncClient(
        verify=verify,
        proxy=f"http://{proxy}" if proxy and "://" not in proxy else proxy or None,
        timeout=timeout_seconds,
        trust_env=False,  # the connection has chosen already, by botocore's rules
    )


class AsyncTransport:
    """Runs calls in one event loop."""

    def __init__(
        self, connection: Connection, http: httpx2.AsyncClient, sleep: Callable[[float], Awaitable[object]]
    ) -> None:
        self.connection = connection
        self.http = http
        self._sleep = sleep

    async def run(self, call: Call[T]) -> T:
        """Do what the call says; return its result."""
        try:
            step = next(call)
            while True:
                try:
                    outcome = await self._do(step)
                except BaseException as error:  # noqa: BLE001 - the call judges it, a cancellation too
                    step = call.throw(error)
                else:
                    step = call.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result

    async def _do(self, step: Send | Pause | Blocking) -> Any:
        if isinstance(step, Pause):
            await self._sleep(step.seconds)
            return True
        if isinstance(step, Blocking):
            return await asyncio.to_thread(step.function)
        connection = self.connection
        signer = connection.signer
        credentials = await asyncio.to_thread(signer) if connection.must_load else signer()
        sent = signed(step.request, step.url, connection.region, credentials, connection.token)
        try:
            answer = await self.http.request(
                sent.method, sent.url, headers=dict(sent.headers.items()), content=step.request.body or None
            )
            return Response(answer.status_code, answer.headers, answer.content)
        except httpx2.RequestError as error:
            raise ApiConnectionError(f"{type(error).__name__}: {str(error) or sent.url}.") from error
