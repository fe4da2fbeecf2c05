"""One call of a declared task: its payload in, its result or its exception out."""

from __future__ import annotations

from collections.abc import Mapping
from types import CoroutineType
from typing import Any

from ftask.core.execution import limit_text
from ftask.tasks.context import Run
from ftask.tasks.conversion import converter
from ftask.tasks.declaration import Declaration
from ftask.tasks.errors import InvalidPayload
from ftask.tasks.results import to_json_value


def call(declaration: Declaration, payload: Mapping[str, Any], run: Run, limit: str = limit_text(None)) -> Any:
    """Run the task as attempt `run` and return its result as JSON knows it.

    What an `async def` awaits is cancelled at the deadline of the run; `limit` says why that comes. Its own code
    between two awaits, and threads that it started, cannot be stopped.

    Raises:
        InvalidPayload: the payload does not fit the arguments.
        TimedOut: the deadline came first.
        InvalidResult: the result is not JSON.
        BaseException: the task raised it.
    """
    arguments = bind(declaration, payload)
    result = declaration.function(**arguments)
    if isinstance(result, CoroutineType):
        from ftask.tasks.event_loop import run_coroutine  # asyncio takes a cold start 30 ms

        result = run_coroutine(result, run, limit)
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
