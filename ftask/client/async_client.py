"""The asynchronous client; see :mod:`ftask.client.client`, whose words hold here too."""

from __future__ import annotations

import asyncio
import copy
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, Literal, Self, TypeVar, overload
from weakref import WeakKeyDictionary

from ftask.client.async_transport import AsyncTransport, httpx2, open_async_http
from ftask.client.calls import Call, Calls, Part, outcomes_of
from ftask.client.connection import Connection, connect
from ftask.client.errors import ApiError, WaitTimeout
from ftask.client.info import TaskInfo
from ftask.client.keys import new_key
from ftask.client.polling import Followed, Polling, take_end, unfinished
from ftask.client.requests import BATCHES_AT_ONCE, Duration, NewTask, TaskRequest, batches
from ftask.client.retrying import MAX_RETRIES, RetryRule
from ftask.client.transport import TIMEOUT_SECONDS
from ftask.core.model import Status

# Connections belong to an event loop.
_defaults: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncClient] = WeakKeyDictionary()

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class AsyncHandle(Generic[R_co]):
    """A submitted task: its `id`, and what becomes of it.

    `key` is what it was submitted with, `created_at` when, in ISO 8601; each is None if unknown.
    """

    def __init__(
        self, client: AsyncClient, task: Followed, key: str | None = None, created_at: str | None = None
    ) -> None:
        self.id = task.id
        self.key = key
        self.created_at = created_at
        self._client = client
        self._task = task

    def __repr__(self) -> str:
        return f"AsyncHandle({self.id!r})"

    async def status(self) -> Status:
        """Return the task's status now."""
        return (await self.info()).status

    async def info(self) -> TaskInfo:
        """Return all that the API says of the task now."""
        return await self._client.get(self.id)

    async def wait(self, timeout: float | None = None) -> TaskInfo:
        """Wait until the task ends; see :meth:`ftask.client.client.Handle.wait`."""
        return (await self._client.wait([self], timeout))[0]

    async def result(self, timeout: float | None = None) -> R_co:
        """Wait until the task ends; return its result. See :meth:`ftask.client.client.Handle.result`."""
        result: R_co = (await self.wait(timeout)).require_result()
        return result


class AsyncClient:
    """Submits tasks to a stage, and waits for their results, in one event loop. Needs the extra `async`.

    Its arguments are those of :class:`ftask.Client`; `http_client` is an `httpx2.AsyncClient`. A submission whose
    `await` is cancelled may have arrived: the CancelledError has its `key`.
    """

    def __init__(
        self,
        stage: str | None = None,
        *,
        api_url: str | None = None,
        profile: str | None = None,
        region: str | None = None,
        token: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        max_retries: int = MAX_RETRIES,
        http_client: httpx2.AsyncClient | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._timeout = timeout
        self._max_retries = max_retries
        self._http = http_client
        self._sleep = sleep
        self._opened: AsyncTransport | None = None
        self._shared = _Shared(lambda: connect(stage, api_url=api_url, profile=profile, region=region, token=token))

    def with_options(self, *, timeout: float | None = None, max_retries: int | None = None) -> Self:
        """Return this client with other options; both share their credentials and their poller."""
        other = copy.copy(self)
        other._timeout = self._timeout if timeout is None else timeout
        other._max_retries = self._max_retries if max_retries is None else max_retries
        other._opened = self._opened if timeout is None else None
        return other

    async def submit(
        self,
        type: str | None,  # noqa: A002 - as the API calls it
        payload: Mapping[str, Any] | None = None,
        *,
        key: str | None = None,
        delay: Duration | None = None,
        at: datetime | None = None,
        group: str | None = None,
        tags: Mapping[str, str] | None = None,
        unique: Literal["until_done"] | Duration | None = None,
        if_exists: Literal["return", "raise"] = "return",
    ) -> AsyncHandle[Any]:
        """Submit one task; see :meth:`ftask.Client.submit`."""
        options: Any = {"key": key, "delay": delay, "at": at, "group": group, "tags": tags, "unique": unique}
        task = NewTask(type, payload or {}, **options).request(new_key())
        task_id, created_at = await self._run(lambda calls: calls.submit_or_find(task, raises=if_exists == "raise"))
        return AsyncHandle(self, self._shared.polling.follow(task_id), task.own_key, created_at)

    @overload
    def submit_many(
        self, tasks: Iterable[NewTask], *, return_exceptions: Literal[False] = False
    ) -> AsyncIterator[AsyncHandle[Any]]: ...

    @overload
    def submit_many(
        self, tasks: Iterable[NewTask], *, return_exceptions: Literal[True]
    ) -> AsyncIterator[AsyncHandle[Any] | ApiError]: ...

    async def submit_many(
        self, tasks: Iterable[NewTask], *, return_exceptions: bool = False
    ) -> AsyncIterator[AsyncHandle[Any] | ApiError]:
        """Submit any number of tasks; yield their handles, in order. See :meth:`ftask.Client.submit_many`."""

        async def send(some: Sequence[TaskRequest]) -> tuple[Sequence[TaskRequest], list[Part]]:
            return some, await self._run(lambda calls: calls.submit_parts(some))

        left = batches(task.request(new_key()) for task in tasks)
        sent: deque[asyncio.Task[tuple[Sequence[TaskRequest], list[Part]]]] = deque()
        try:
            while True:
                while len(sent) < BATCHES_AT_ONCE and (some := next(left, None)) is not None:
                    sent.append(asyncio.create_task(send(some)))
                if not sent:
                    return
                for task, found in outcomes_of(*await sent[0]):
                    if isinstance(found, ApiError) and not return_exceptions:
                        raise found
                    yield found if isinstance(found, ApiError) else self.handle(found, task.own_key)
                sent.popleft()
        finally:
            for each in sent:
                each.cancel()
            await asyncio.gather(*sent, return_exceptions=True)

    def handle(self, task_id: str, key: str | None = None) -> AsyncHandle[Any]:
        """Return the handle of a task that was submitted earlier; nothing is sent."""
        return AsyncHandle(self, self._shared.polling.follow(task_id), key)

    async def get(self, task_id: str) -> TaskInfo:
        """Return what the API says of a task now; see :meth:`ftask.Client.get`."""
        return TaskInfo.of_json(await self._run(lambda calls: calls.get(task_id)))

    async def wait(self, handles: Iterable[AsyncHandle[Any]], timeout: float | None = None) -> list[TaskInfo]:
        """Wait until all of these tasks have ended; see :meth:`ftask.Client.wait`."""
        tasks = [handle._task for handle in handles]
        await self._await(tasks, len(tasks), timeout)
        return [take_end(task) for task in tasks]

    async def as_completed(
        self, handles: Iterable[AsyncHandle[R]], timeout: float | None = None
    ) -> AsyncIterator[AsyncHandle[R]]:
        """Yield the handles as their tasks end; see :meth:`ftask.Client.as_completed`."""
        left = {handle.id: handle for handle in handles}
        loop = asyncio.get_running_loop()
        deadline = None if timeout is None else loop.time() + timeout
        while left:
            remaining = None if deadline is None else max(0.0, deadline - loop.time())
            await self._await([handle._task for handle in left.values()], 1, remaining)
            for handle in [handle for handle in left.values() if handle._task.end is not None]:
                del left[handle.id]
                yield handle

    async def close(self) -> None:
        """Close the connections."""
        if self._opened is not None and self._http is None:
            await self._opened.http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, call: Callable[[Calls], Call[T]]) -> T:
        if self._opened is None:
            self._opened = await self._open()
        return await self._opened.run(call(Calls(self._opened.connection, RetryRule(self._max_retries))))

    async def _open(self) -> AsyncTransport:
        async with self._shared.opening:
            if self._opened is not None:
                return self._opened
            if self._shared.connection is None:
                self._shared.connection = await asyncio.to_thread(self._shared.connect)
            connection = self._shared.connection
            http = self._http
            if http is None:
                http = await asyncio.to_thread(open_async_http, connection, self._timeout)
            return AsyncTransport(connection, http, self._sleep)

    async def _await(self, tasks: Sequence[Followed], count: int, timeout: float | None) -> None:
        """Wait until `count` of the tasks have ended. Of those that wait, one asks for all of them."""
        shared, loop = self._shared, asyncio.get_running_loop()
        polling = shared.polling
        polling.begin(tasks)
        try:
            async with asyncio.timeout(timeout):
                while len(tasks) - len(unfinished(tasks)) < count:
                    now = loop.time()
                    if shared.is_asking or now < polling.due:
                        await shared.change(None if shared.is_asking else polling.due - now)
                        continue
                    shared.is_asking = True
                    try:
                        for ids in polling.round(now):
                            polling.note(await self._run(lambda calls, ids=ids: calls.query(ids)))  # type: ignore[misc]
                            shared.changed()
                    finally:
                        shared.is_asking = False
                        shared.changed()
        except TimeoutError:
            if not unfinished(tasks):
                return
            raise WaitTimeout(unfinished(tasks), timeout or 0.0) from None
        finally:
            polling.finish(tasks)


def default_async_client() -> AsyncClient:
    """Return the client of the running event loop, for tasks that are submitted without one."""
    loop = asyncio.get_running_loop()
    client = _defaults.get(loop)
    if client is None:
        client = _defaults[loop] = AsyncClient()
    return client


class _Shared:
    """What clients with other options have in common."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.connect = connect
        self.connection: Connection | None = None
        self.opening = asyncio.Lock()
        self.polling = Polling()
        self.is_asking = False
        self._change = asyncio.Event()

    def changed(self) -> None:
        """Wake all that wait for a change."""
        self._change.set()
        self._change = asyncio.Event()

    async def change(self, seconds: float | None) -> None:
        """Wait for a change, for `seconds` at most."""
        try:
            async with asyncio.timeout(seconds):
                await self._change.wait()
        except TimeoutError:
            return
