"""What the function of a task must look like, and what its parameters say."""

from __future__ import annotations

import inspect
import json
import os
import sys
from inspect import Parameter
from types import CodeType, FunctionType
from typing import Any

from ftask.core.manifest import Argument
from ftask.tasks.errors import DeclarationError

if sys.version_info >= (3, 14):
    from annotationlib import Format

METHODS = (staticmethod, classmethod, property)


def check_is_function(function: Any) -> None:
    """Refuse what a worker cannot call with the keys of a payload.

    Raises:
        DeclarationError: it is a class, a method, a generator function, or not a function.
    """
    refused = f"@task cannot decorate {describe(function)}"
    if isinstance(function, type):
        raise DeclarationError(f"{refused}. Write a function that uses the class.")
    if isinstance(function, METHODS) or _is_method(function):
        raise DeclarationError(f"{refused}: a task is called without an object. Move the function out of its class.")
    if not isinstance(function, FunctionType):
        raise DeclarationError(f"{refused}. Write a function: def or async def.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(
            f"{refused}: a generator returns before its work is done. Return the result instead of yielding it."
        )


def arguments_of(function: FunctionType) -> tuple[tuple[Argument, ...], bool]:
    """Return the arguments of a function, and whether it takes further ones as `**kwargs`.

    Raises:
        DeclarationError: it has parameters that cannot be given by name.
    """
    parameters = _signature(function).parameters.values()
    for parameter in parameters:
        _check_parameter(parameter)
    named = [parameter for parameter in parameters if parameter.kind is not Parameter.VAR_KEYWORD]
    return tuple(map(_argument, named)), len(named) < len(parameters)


def location_of(function: FunctionType) -> str:
    """Return the file and line where a function begins: `tasks.py:12`."""
    code = code_of(function)
    name = os.path.basename(code.co_filename)  # noqa: PTH119 - pathlib takes a worker 5 ms to import
    return f"{name}:{code.co_firstlineno}"


def code_of(function: FunctionType) -> CodeType:
    """Return the code that the user wrote, below the decorators that wrap it."""
    code: CodeType = getattr(inspect.unwrap(function), "__code__", function.__code__)
    return code


def describe(thing: Any) -> str:
    """Return what a person calls `thing`: `send()`, `the class Invoice`."""
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    if isinstance(thing, METHODS):
        return f"a {type(thing).__name__}"
    name = getattr(thing, "__qualname__", None)
    return repr(thing) if name is None else f"{name}()"


def _is_method(function: Any) -> bool:
    """Return whether a function stands directly in a class."""
    outer = getattr(function, "__qualname__", "").rpartition(".")[0]
    return isinstance(function, FunctionType) and bool(outer) and not outer.endswith("<locals>")


def _check_parameter(parameter: Parameter) -> None:
    if parameter.kind is Parameter.POSITIONAL_ONLY:
        raise DeclarationError(
            f"the argument {parameter.name!r} is positional-only, but a payload's keys are keyword arguments. Remove "
            "the '/' from the parameters."
        )
    if parameter.kind is Parameter.VAR_POSITIONAL:
        raise DeclarationError(
            f"'*{parameter.name}' takes positional arguments, but a payload's keys are keyword arguments. Write a "
            f"list, like {parameter.name}: list. If another decorator hides the parameters, use functools.wraps in it."
        )


def _argument(parameter: Parameter) -> Argument:
    annotation, required = parameter.annotation, parameter.default is Parameter.empty
    return Argument(
        name=parameter.name,
        required=required,
        annotation=None if annotation is Parameter.empty else _annotation_text(annotation),
        default=None if required else _json_or_none(parameter.default),
    )


def _annotation_text(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _json_or_none(value: object) -> str | None:
    try:
        return json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return None


def _signature(function: FunctionType) -> inspect.Signature:
    if sys.version_info >= (3, 14):
        # Annotations are evaluated here; one that only a type checker can import must not fail the declaration.
        return inspect.signature(function, annotation_format=Format.STRING)
    return inspect.signature(function)
