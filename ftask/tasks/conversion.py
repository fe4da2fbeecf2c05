"""From a payload to arguments of the annotated types, by the pydantic of the user's project.

Where the project has no pydantic, values stay as JSON has them: text, numbers, lists, dictionaries.
"""

from __future__ import annotations

import inspect
import json
import typing
from collections.abc import Callable, Mapping
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NotRequired

from ftask.core.text import shortened
from ftask.tasks.errors import DeclarationError, InvalidPayload

if TYPE_CHECKING:
    from pydantic import TypeAdapter, ValidationError

    from ftask.tasks.declaration import Declaration

# Enough to see what is wrong; the executor bounds the whole message too.
_MAX_ERRORS = 5
_MAX_VALUE_BYTES = 60

# What this process can import, and the worker cannot.
_hidden: set[str] = set()

Converter = Callable[[Mapping[str, Any]], dict[str, Any]]


@cache
def converter(declaration: Declaration) -> Converter:
    """Return the function from a payload, whose keys are right, to the keyword arguments of a task.

    Numbers and texts are converted where that loses nothing, as pydantic's lax mode does: "17" is an int.
    Arguments that the payload leaves out keep the function's defaults.

    Raises:
        DeclarationError: pydantic cannot convert to an annotation of the task.
    """
    adapter = argument_adapter(declaration)
    return dict if adapter is None else lambda payload: _convert(declaration.name, adapter, payload)


@cache
def argument_adapter(declaration: Declaration) -> TypeAdapter[dict[str, Any]] | None:
    """Return what validates the arguments of a task as one; None without pydantic or without annotations.

    Raises:
        DeclarationError: pydantic cannot convert to an annotation of the task.
    """
    if not any(argument.annotation for argument in declaration.type.arguments) or not has_pydantic():
        return None
    from pydantic import ConfigDict, PydanticUserError, TypeAdapter  # a project need not have it

    # Not typing's, which pydantic takes from Python 3.12 on only. pydantic depends on typing_extensions.
    from typing_extensions import TypedDict

    hints = argument_types(declaration)
    fields = {
        argument.name: kind if argument.required else NotRequired[kind]
        for argument in declaration.type.arguments
        for kind in (hints.get(argument.name, Any),)
    }
    # A TypedDict, because the fields of a model may not be called `json`, `copy` or `_x`.
    make_type: Any = TypedDict
    arguments = make_type(declaration.name, fields)
    arguments.__pydantic_config__ = ConfigDict(extra="allow" if declaration.type.accepts_more else "forbid")
    try:
        return TypeAdapter(arguments)
    except (PydanticUserError, TypeError) as error:
        raise DeclarationError(
            f"Task {declaration.name!r} ({declaration.location}): pydantic cannot convert to its annotations: "
            f"{str(error).partition(chr(10))[0]} Annotate what JSON can express, or a pydantic model."
        ) from error


def argument_types(declaration: Declaration) -> dict[str, Any]:
    """Return the types of the annotated arguments.

    Raises:
        DeclarationError: a name in an annotation does not exist when the task runs.
    """
    function: Any = inspect.unwrap(declaration.function)
    annotations = declaration.function.__annotations__
    names = [argument.name for argument in declaration.type.arguments if argument.name in annotations]
    # Without the result's, which nothing converts: it may be known to a type checker alone.
    arguments = SimpleNamespace(__annotations__={name: annotations[name] for name in names})
    try:
        return typing.get_type_hints(arguments, globalns=function.__globals__, include_extras=True)
    except NameError as error:
        raise DeclarationError(
            f"Task {declaration.name!r} ({declaration.location}): an annotation cannot be resolved: {error}. Import "
            "the name at the top of the module, not only under `if TYPE_CHECKING:`."
        ) from error


def convert(*, by_pydantic: bool) -> None:
    """Convert from now on as a worker does whose dependencies have pydantic, or do not have it."""
    _hidden.clear() if by_pydantic else _hidden.add("pydantic")


def has_pydantic() -> bool:
    """Return whether pydantic 2 can be imported, as far as a worker can."""
    if "pydantic" in _hidden:
        return False
    try:
        from pydantic import TypeAdapter  # noqa: F401 - pydantic 1 has none
    except ModuleNotFoundError as error:
        # A pydantic with a part missing is a broken build, which must not pass for none.
        if error.name != "pydantic":
            raise
        return False
    except ImportError:
        return False
    return True


def _convert(name: str, adapter: TypeAdapter[dict[str, Any]], payload: Mapping[str, Any]) -> dict[str, Any]:
    from pydantic import ValidationError  # a project need not have it

    try:
        # As JSON, which the payload was: a strict model takes a date from text there, and only there.
        return adapter.validate_json(json.dumps(payload))
    except ValidationError as error:
        raise InvalidPayload(f"Task type {name}: {_describe(error)}") from error


def _describe(error: ValidationError) -> str:
    """Return `order_id: Input should be a valid integer (got 'x'); …`."""
    errors = error.errors(include_url=False, include_context=False)
    shown = [
        f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}{_got(detail['input'])}"
        for detail in errors[:_MAX_ERRORS]
    ]
    if len(errors) > _MAX_ERRORS:
        shown.append(f"and {len(errors) - _MAX_ERRORS} more")
    return "; ".join(shown)


def _got(value: object) -> str:
    return f" (got {shortened(ascii(value), _MAX_VALUE_BYTES)})" if isinstance(value, str | int | float | None) else ""
