"""The backend for `django.tasks`: a task is submitted to ftask, and its result is read from there."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from django.utils import timezone

from ftask.client.client import Client
from ftask.client.errors import UnknownTaskError
from ftask.core.timestamps import now
from ftask.django.declaration import FtaskTask, check_task
from ftask.django.library import BaseTaskBackend, InvalidTaskBackend, TaskResultDoesNotExist, TaskResultStatus, signals
from ftask.django.results import as_django, change, new_result, payload_of, result_of

if TYPE_CHECKING:  # of an extra
    from ftask.client.async_client import AsyncClient

Options = frozenset[tuple[str, Any]]


class FtaskBackend(BaseTaskBackend):
    """Runs the tasks of Django on ftask; OPTIONS are the arguments of :class:`ftask.Client`."""

    task_class = FtaskTask
    supports_defer = True
    supports_async_task = True
    supports_get_result = True

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, params)
        try:
            inspect.signature(Client).bind(**self.options)
        except TypeError as error:
            raise InvalidTaskBackend(
                f"Invalid OPTIONS of TASKS[{alias!r}]: {error}. They are the arguments of ftask.Client, like stage."
            ) from error

    @property
    def client(self) -> Client:
        """The client of this process; Django makes a backend in each thread."""
        return _client(frozenset(self.options.items()))

    @property
    def async_client(self) -> AsyncClient:
        """The client of the running event loop."""
        return _async_client(frozenset(self.options.items()))

    def validate_task(self, task: Any) -> None:
        check_task(task)
        super().validate_task(task)

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Submit a task; when this returns, it is durable, whatever becomes of an open transaction."""
        self.validate_task(task)
        result = new_result(task, args, kwargs, id="", status=TaskResultStatus.READY)
        handle = self.client.submit(task.module_path, payload_of(result), **_options(task))
        change(result, id=handle.id, enqueued_at=as_django(handle.created_at))
        signals.task_enqueued.send(type(self), task_result=result)
        return result

    async def aenqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Submit a task from an event loop; see :meth:`enqueue`."""
        self.validate_task(task)
        result = new_result(task, args, kwargs, id="", status=TaskResultStatus.READY)
        handle = await self.async_client.submit(task.module_path, payload_of(result), **_options(task))
        change(result, id=handle.id, enqueued_at=as_django(handle.created_at))
        await signals.task_enqueued.asend(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> Any:
        try:
            return result_of(self.client.get(result_id))
        except UnknownTaskError as error:
            raise TaskResultDoesNotExist(result_id) from error

    async def aget_result(self, result_id: str) -> Any:
        try:
            return result_of(await self.async_client.get(result_id))
        except UnknownTaskError as error:
            raise TaskResultDoesNotExist(result_id) from error


def _options(task: FtaskTask) -> dict[str, Any]:
    """Return the options of a submission.

    A delay counts from the submission, so that it does not depend on this machine's clock; but a repetition with the
    same key names the same time.
    """
    if task.run_after is None:
        return {"key": task.key}
    run_after = timezone.make_aware(task.run_after) if timezone.is_naive(task.run_after) else task.run_after
    seconds = (run_after - now()).total_seconds()
    due = {"at": run_after} if task.key and seconds > 0 else {"delay": max(0.0, seconds)}
    return {"key": task.key, **due}


@cache
def _client(options: Options) -> Client:
    return Client(**dict(options))


# Connections belong to an event loop.
_async_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[Options, AsyncClient]] = WeakKeyDictionary()


def _async_client(options: Options) -> AsyncClient:
    from ftask.client.async_client import AsyncClient  # of an extra

    clients = _async_clients.setdefault(asyncio.get_running_loop(), {})
    if options not in clients:
        clients[options] = AsyncClient(**dict(options))
    return clients[options]
