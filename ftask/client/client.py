"""The synchronous client."""

from __future__ import annotations

import copy
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import cache, cached_property
from typing import Any, Generic, Literal, Self, TypeVar, overload

from ftask.client.calls import Call, Calls, Part, outcomes_of
from ftask.client.connection import Connection, connect
from ftask.client.errors import ApiError, WaitTimeout
from ftask.client.info import TaskInfo
from ftask.client.keys import new_key
from ftask.client.polling import Followed, Polling, take_end, unfinished
from ftask.client.requests import BATCHES_AT_ONCE, Duration, NewTask, TaskRequest, batches
from ftask.client.retrying import MAX_RETRIES, RetryRule
from ftask.client.transport import TIMEOUT_SECONDS, HttpClient, Transport, open_http
from ftask.core.model import Status

T = TypeVar("T")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Handle(Generic[R_co]):
    """A submitted task: its `id`, and what becomes of it.

    `key` is what it was submitted with, `created_at` when, in ISO 8601; each is None if unknown. To cancel it:
    `ftask.Operator(stage).cancel(TaskFilter(task_ids=frozenset({handle.id})))`.
    """

    def __init__(self, client: Client, task: Followed, key: str | None = None, created_at: str | None = None) -> None:
        self.id = task.id
        self.key = key
        self.created_at = created_at
        self._client = client
        self._task = task

    def __repr__(self) -> str:
        return f"Handle({self.id!r})"

    def status(self) -> Status:
        """Return the task's status now."""
        return self.info().status

    def info(self) -> TaskInfo:
        """Return all that the API says of the task now."""
        return self._client.get(self.id)

    def wait(self, timeout: float | None = None) -> TaskInfo:
        """Wait until the task ends, for `timeout` seconds at most; return how it ended.

        Raises:
            WaitTimeout: it has not ended.
        """
        return self._client.wait([self], timeout)[0]

    def result(self, timeout: float | None = None) -> R_co:
        """Wait until the task ends, for `timeout` seconds at most; return its result, as JSON has it.

        Raises:
            TaskFailed, TaskCancelled: it ended so.
            WaitTimeout: it has not ended.
        """
        result: R_co = self.wait(timeout).require_result()
        return result


class Client:
    """Submits tasks to a stage, and waits for their results. Threads may share it; make one, and keep it.

    It needs execute-api:Invoke alone, and the API only reads tasks that exist. To list failed tasks, and to redrive,
    discard or cancel tasks, use :class:`ftask.Operator`, which has the rights of an operator on the table and the
    queues: an application that is taken over cannot cancel what it did not submit.

    Args:
        stage: the stage whose API is called; its URL is asked from CloudFormation, or from the local engine. Default:
            the API at FTASK_API_URL, else the stage FTASK_STAGE, else `local`.
        api_url: the URL of the API, instead of a stage. Then nothing but execute-api:Invoke is needed.
        profile, region: as boto3 has them; default: the usual credential chain.
        token: a bearer token for an API with JWT authorization; default with a URL: FTASK_TOKEN.
        timeout: seconds that one request may take.
        max_retries: how often a request is sent again that was throttled, failed in passing, or got no answer.
        http_client, sleep: what sends the requests, and what waits between them, for tests. The first has
            `send(request)`, as botocore's URLLib3Session.
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
        http_client: HttpClient | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._timeout = timeout
        self._max_retries = max_retries
        self._http = http_client
        self._sleep = sleep
        self._shared = _Shared(
            {"stage": stage, "api_url": api_url, "profile": profile, "region": region, "token": token}
        )

    def with_options(self, *, timeout: float | None = None, max_retries: int | None = None) -> Self:
        """Return this client with other options; both share their credentials and their poller."""
        other = copy.copy(self)
        other._timeout = self._timeout if timeout is None else timeout
        other._max_retries = self._max_retries if max_retries is None else max_retries
        other.__dict__.pop("_transport", None)
        return other

    def submit(
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
    ) -> Handle[Any]:
        """Submit one task; when this returns, the task is durable.

        Args:
            type: the task type; None for the deployment's default one.
            payload: its arguments, as JSON has them.
            key: the idempotency key: the same key and payload is one task, however often it is submitted. Default: a
                new one, which protects the repetitions of this call. An application that may die between sending and
                storing the handle's id needs a key of its own.
            delay: how long the task waits before its first attempt, in seconds or as a timedelta.
            at: when its first attempt is due, with a time zone.
            group: whose work it is, like a tenant's id: a group that floods the queue delays the others less.
            tags: up to 8 names and values by which tasks are found. Each adds its length to the task's item.
            unique: "until_done", or for how long: while a task of the same type and `key` is unfinished, or for this
                time, no other is accepted. Without a key, the payload says which tasks are the same.
            if_exists: what happens where another task keeps a unique one out: "return" its handle, or "raise".

        Raises:
            ApiError: the API refused the task or the request.
            ApiConnectionError: no answer came; with `error.key`, submitting again is one task.
        """
        options: Any = {"key": key, "delay": delay, "at": at, "group": group, "tags": tags, "unique": unique}
        task = NewTask(type, payload or {}, **options).request(new_key())
        task_id, created_at = self._run(self._calls.submit_or_find(task, raises=if_exists == "raise"))
        return self._handle(task_id, task.own_key, created_at)

    @overload
    def submit_many(
        self, tasks: Iterable[NewTask], *, return_exceptions: Literal[False] = False
    ) -> Iterator[Handle[Any]]: ...

    @overload
    def submit_many(
        self, tasks: Iterable[NewTask], *, return_exceptions: Literal[True]
    ) -> Iterator[Handle[Any] | ApiError]: ...

    def submit_many(
        self, tasks: Iterable[NewTask], *, return_exceptions: bool = False
    ) -> Iterator[Handle[Any] | ApiError]:
        """Submit any number of tasks; yield their handles, in order.

        Where another task keeps a unique one out, its handle comes instead.

        The tasks are read as they are sent, in batches of 100, four at a time, so they take little memory.

        Args:
            tasks: what is submitted.
            return_exceptions: yield the error of a refused task in its place. Without it the first one is raised, and
                the tasks after it may or may not be submitted.

        Raises:
            ApiError, ApiConnectionError: a request failed as a whole; no further one was sent.
        """

        def send(some: Sequence[TaskRequest]) -> tuple[Sequence[TaskRequest], list[Part]]:
            return some, self._run(self._calls.submit_parts(some))

        requests = batches(task.request(new_key()) for task in tasks)
        with ThreadPoolExecutor(BATCHES_AT_ONCE) as threads:
            for some, parts in in_order(threads, send, requests, deque(), BATCHES_AT_ONCE + 1):
                for task, found in outcomes_of(some, parts):
                    if isinstance(found, ApiError) and not return_exceptions:
                        raise found
                    yield found if isinstance(found, ApiError) else self._handle(found, task.own_key)

    def handle(self, task_id: str, key: str | None = None) -> Handle[Any]:
        """Return the handle of a task that was submitted earlier; nothing is sent."""
        return self._handle(task_id, key)

    def get(self, task_id: str) -> TaskInfo:
        """Return what the API says of a task now.

        Raises:
            UnknownTaskError: it does not exist.
        """
        return TaskInfo.of_json(self._run(self._calls.get(task_id)))

    def wait(self, handles: Iterable[Handle[Any]], timeout: float | None = None) -> list[TaskInfo]:
        """Wait until all of these tasks have ended; return how each ended, in order.

        Raises:
            WaitTimeout: some have not ended after `timeout` seconds; it names them.
            UnknownTaskError: a task does not exist.
        """
        tasks = [handle._task for handle in handles]
        self._await(tasks, len(tasks), timeout)
        return [take_end(task) for task in tasks]

    def as_completed(self, handles: Iterable[Handle[R]], timeout: float | None = None) -> Iterator[Handle[R]]:
        """Yield the handles as their tasks end, whatever their outcome.

        Raises:
            WaitTimeout: some have not ended after `timeout` seconds in all.
        """
        left = {handle.id: handle for handle in handles}
        deadline = None if timeout is None else time.monotonic() + timeout
        while left:
            remaining = None if deadline is None else max(0.0, deadline - time.monotonic())
            self._await([handle._task for handle in left.values()], 1, remaining)
            for handle in [handle for handle in left.values() if handle._task.end is not None]:
                del left[handle.id]
                yield handle

    def close(self) -> None:
        """Close the connections."""
        close = getattr(self.__dict__.get("_transport"), "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _calls(self) -> Calls:
        return Calls(self._shared.connection, RetryRule(self._max_retries))

    @cached_property
    def _transport(self) -> Transport:
        connection = self._shared.connection
        return Transport(connection, self._http or open_http(connection, self._timeout), self._wait)

    def _wait(self, seconds: float) -> bool:
        self._sleep(seconds)
        return True

    def _run(self, call: Call[T]) -> T:
        return self._transport.run(call)

    def _handle(self, task_id: str, key: str | None, created_at: str | None = None) -> Handle[Any]:
        shared = self._shared
        with shared.changed:
            return Handle(self, shared.polling.follow(task_id), key, created_at)

    def _await(self, tasks: Sequence[Followed], count: int, timeout: float | None) -> None:
        """Wait until `count` of the tasks have ended. Of the threads that wait, one asks for all of them."""
        shared, started = self._shared, time.monotonic()
        changed, polling = shared.changed, shared.polling
        with changed:
            polling.begin(tasks)
        try:
            while True:
                with changed:
                    open_ids = unfinished(tasks)
                    if len(tasks) - len(open_ids) >= count:
                        return
                    now = time.monotonic()
                    left = None if timeout is None else started + timeout - now
                    if left is not None and left <= 0:
                        raise WaitTimeout(open_ids, timeout or 0.0)
                    if shared.is_asking or now < polling.due:
                        due = None if shared.is_asking else polling.due - now
                        changed.wait(min((each for each in (left, due) if each is not None), default=None))
                        continue
                    shared.is_asking = True
                    requests = polling.round(now)
                try:
                    for ids in requests:
                        answers = self._run(self._calls.query(ids))
                        with changed:
                            polling.note(answers)
                            changed.notify_all()
                finally:
                    with changed:
                        shared.is_asking = False
                        changed.notify_all()
        finally:
            with changed:
                polling.finish(tasks)


@cache
def default_client() -> Client:
    """Return the client of this process, for tasks that are submitted without one."""
    return Client()


class _Shared:
    """What clients with other options have in common."""

    def __init__(self, target: Mapping[str, str | None]) -> None:
        self.polling = Polling()
        self.changed = threading.Condition()
        self.is_asking = False
        self._target = target
        self._connecting = threading.Lock()
        self._connection: Connection | None = None

    @property
    def connection(self) -> Connection:
        """The connection, opened at its first use: an application makes its client when it is imported."""
        with self._connecting:
            if self._connection is None:
                self._connection = connect(**self._target)  # type: ignore[arg-type]  # by name, as connect has them
            return self._connection


def in_order(
    threads: ThreadPoolExecutor, send: Callable[[T], R], chunks: Iterable[T], sent: deque[Future[R]], ahead: int
) -> Iterator[R]:
    """Yield what `send` returns for each chunk; `Executor.map` would first read all of them.

    `sent` has what is not yielded yet, `ahead` chunks at most.
    """
    for chunk in chunks:
        sent.append(threads.submit(send, chunk))
        if len(sent) >= ahead:
            yield _first(sent)
    while sent:
        yield _first(sent)


def _first(sent: deque[Future[R]]) -> R:
    result = sent[0].result()
    sent.popleft()
    return result
