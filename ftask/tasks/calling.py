"""One call of a declared task: its payload in, its result or its exception out."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from types import CoroutineType
from typing import Any

from ftask.core.errors import TimedOut
from ftask.tasks.context import Run
from ftask.tasks.conversion import converter
from ftask.tasks.declaration import Declaration
from ftask.tasks.errors import InvalidPayload
from ftask.tasks.results import to_json_value


def call(declaration: Declaration, payload: Mapping[str, Any], run: Run) -> Any:
    """Run the task as attempt `run` and return its result as JSON knows it.

    What an `async def` awaits is cancelled at the deadline of the run. Its own code between two awaits, and threads
    that it started, cannot be stopped.

    Raises:
        InvalidPayload: the payload does not fit the arguments.
        TimedOut: the deadline came first.
        InvalidResult: the result is not JSON.
        BaseException: the task raised it.
    """
    arguments = bind(declaration, payload)
    result = declaration.function(**arguments)
    if isinstance(result, CoroutineType):
        result = _run_coroutine(result, run)
    return to_json_value(result)


def bind(declaration: Declaration, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments that `payload` stands for.

    Raises:
        InvalidPayload: an argument is unknown or missing, or pydantic cannot convert its value.
    """
    problem = declaration.type.check(payload)
    if problem is not None:
        raise InvalidPayload(problem)
    return converter(declaration)(payload)


def _run_coroutine(coroutine: Coroutine[Any, Any, Any], run: Run) -> Any:
    import asyncio  # a worker without async tasks does not pay for it

    async def until_the_deadline() -> Any:
        allowed = asyncio.timeout(run.remaining())
        started = asyncio.get_running_loop().time()
        try:
            async with allowed:
                return await coroutine
        except TimeoutError as error:
            # A TimeoutError of the task's own says something else.
            if not allowed.expired():
                raise
            seconds = asyncio.get_running_loop().time() - started
            raise TimedOut(f"The task was cancelled at its deadline, after {seconds:.1f} s.") from error

    return asyncio.run(until_the_deadline())
