"""What a declared task offers besides being called: `submit`, `submit_async` and `options`.

The client is imported when a task is first submitted: a worker that submits nothing does not load it.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, Literal, ParamSpec, Protocol, TypeVar

from ftask.tasks.conversion import argument_adapter

if TYPE_CHECKING:
    from ftask.client.async_client import AsyncClient, AsyncHandle
    from ftask.client.client import Client, Handle
    from ftask.client.collecting import Collector
    from ftask.client.requests import Duration
    from ftask.tasks.declaration import Declaration

# Of a test: takes every submission of a declared task, from any thread, whatever client it names.
collector: Collector | None = None

P = ParamSpec("P")
C_co = TypeVar("C_co", covariant=True)
R_co = TypeVar("R_co", covariant=True)


class Task(Protocol[P, C_co, R_co]):
    """A declared task: the function itself, which can be submitted too."""

    __name__: str

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> C_co:
        """Run the function, here and now."""

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R_co]:
        """Submit the task with these arguments, by the client of this process; see :meth:`ftask.Client.submit`.

        Inside a task, the key derives from the task's id, its epoch and the number of the submission: an attempt that
        is a retry submits nothing twice, if it submits in the same order.
        """

    async def submit_async(self, *args: P.args, **kwargs: P.kwargs) -> AsyncHandle[R_co]:
        """Submit the task from an event loop; see :meth:`submit`. Needs httpx2, in a worker too."""

    def options(
        self,
        *,
        key: str | None = None,
        delay: Duration | None = None,
        at: datetime | None = None,
        group: str | None = None,
        tags: Mapping[str, str] | None = None,
        unique: Literal["until_done"] | Duration | None = None,
        if_exists: Literal["return", "raise"] = "return",
        client: Client | None = None,
        async_client: AsyncClient | None = None,
    ) -> Submitting[P, R_co]:
        """Return what submits the task with these options of :meth:`ftask.Client.submit`, by these clients."""


class Submitting(Generic[P, R_co]):
    """Submits one declared task, with options."""

    def __init__(
        self,
        declaration: Declaration,
        options: Mapping[str, Any],
        client: Client | None = None,
        async_client: AsyncClient | None = None,
    ) -> None:
        self._declaration = declaration
        self._options = options
        self._client = client
        self._async_client = async_client

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Handle[R_co]:
        """Submit the task; see :meth:`Task.submit`."""
        payload = self._payload(*args, **kwargs)
        if collector is not None:
            return collector.submit(self._declaration.name, payload, **self._options)
        from ftask.client.client import default_client  # only a worker whose tasks submit pays for it

        client = self._client or default_client()
        return client.submit(self._declaration.name, payload, **self._options)

    async def submit_async(self, *args: P.args, **kwargs: P.kwargs) -> AsyncHandle[R_co]:
        """Submit the task from an event loop; see :meth:`Task.submit_async`."""
        payload = self._payload(*args, **kwargs)
        if collector is not None:
            handle: AsyncHandle[R_co] = await collector.submit_async(self._declaration.name, payload, **self._options)
            return handle
        from ftask.client.async_client import default_async_client  # of an extra

        client = self._async_client or default_async_client()
        return await client.submit(self._declaration.name, payload, **self._options)

    def _payload(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """Return the arguments as a payload: as JSON has them, or as pydantic writes the annotated types.

        Raises:
            TypeError: they do not fit the function.
        """
        declaration = self._declaration
        signature = inspect.signature(declaration.function)
        arguments = dict(signature.bind(*args, **kwargs).arguments)
        for name, parameter in signature.parameters.items():
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                arguments |= arguments.pop(name, {})
        adapter = argument_adapter(declaration)
        return arguments if adapter is None else dict(json.loads(adapter.dump_json(arguments)))


def make_submittable(function: Any, declaration: Declaration) -> None:
    """Give a declared function its `submit`, `submit_async` and `options`; it stays a plain function."""

    def options(*, client: Any = None, async_client: Any = None, **given: Any) -> Submitting[Any, Any]:
        return Submitting(declaration, given, client, async_client)

    submitting = options()
    function.submit, function.submit_async, function.options = submitting.submit, submitting.submit_async, options
