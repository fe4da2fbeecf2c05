"""`@task`: a function becomes a task type, and stays a function."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import Parameter
from types import FunctionType
from typing import Any, ParamSpec, TypeVar, overload

from ftask.core.errors import FtaskError
from ftask.core.manifest import Argument, TaskType
from ftask.tasks.errors import DeclarationError
from ftask.tasks.options import check_name, check_names, flag, parse_options
from ftask.tasks.registry import registered

P = ParamSpec("P")
R = TypeVar("R")
AnyFunction = Callable[..., Any]

# Where a declared function keeps its declaration.
_ATTRIBUTE = "__ftask__"


# Compared by identity, so that what is derived from a declaration can be cached by it.
@dataclass(frozen=True, slots=True, eq=False)
class Declaration:
    """A declared task: its type, and the function that does the work."""

    type: TaskType
    function: FunctionType

    @property
    def name(self) -> str:
        return self.type.name

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.function)

    @property
    def location(self) -> str:
        """The file and line where the function begins: `tasks.py:12`."""
        return _location(self.function)

    @property
    def origin(self) -> tuple[str, int, str]:
        """What stays the same when the same lines are executed again."""
        code = self.function.__code__
        return code.co_filename, code.co_firstlineno, self.function.__qualname__


@overload
def task(function: Callable[P, R], /) -> Callable[P, R]: ...


@overload
def task(
    *,
    name: str | None = None,
    max_attempts: int | None = None,
    backoff: tuple[float, float] | None = None,
    jitter: bool | None = None,
    timeout: float | None = None,
    isolated: bool = False,
    default: bool = False,
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def task(*functions: Any, **options: Any) -> Any:
    """Declare a function as a task type: `@task`, or `@task(...)` with options.

    The function stays as it is: calling it runs it. ftask calls it with the payload's keys as keyword arguments, and
    stores what it returns, which must be JSON, as the task's result. Any exception is a failed attempt, which is
    retried after its backoff; `PermanentError` fails the task at once, `RetryAfter` chooses the delay. A task may run
    more than once: make its effects idempotent with `current().task_id`. Put @task above all other decorators.

    Args:
        name: the name of the type; default: the function's name.
        max_attempts: how often a task is attempted before it fails, 1 to 100; default: the stack's MaxAttempts.
            It is fixed when a task is submitted.
        backoff: `(base_seconds, cap_seconds)`, 0 to 900 each: the delay after failed attempt n is
            base · 2^(n-1) seconds, at most the cap; default: the stack's.
        jitter: whether the delay is random, from 0 to that value; default: the stack's.
        timeout: how many seconds an attempt may take, up to 900; then it is stopped, and has failed with TimedOut.
            Only an `async def` or an isolated task can be stopped. Default: until the worker's time ends.
        isolated: run each attempt in a process of its own, which a crash or a timeout ends without harm to other
            tasks; it costs the start of a process now and then. Default: False.
        default: whether submissions that name no type are for this one; at most one type. Default: False.

    Raises:
        DeclarationError: the declaration cannot work; the text says what to write.
    """
    check_names(options)
    if not functions:
        return lambda function: _declare(function, options)
    if len(functions) == 1 and not options and (callable(functions[0]) or isinstance(functions[0], _METHODS)):
        return _declare(functions[0], options)
    raise DeclarationError(f"@task takes its options by name, not {functions[-1]!r}: write @task(name=...).")


def declaration_of(function: AnyFunction) -> Declaration:
    """Return the declaration of a function that is a task.

    Raises:
        FtaskError: it is not one.
    """
    declaration = getattr(function, _ATTRIBUTE, None)
    if not isinstance(declaration, Declaration):
        raise FtaskError(f"{_describe(function)} is not a task.", "Put @task above it: from ftask import task.")
    return declaration


_METHODS = (staticmethod, classmethod, property)
_REST = Parameter.VAR_KEYWORD


def _declare(function: Any, given: Mapping[str, Any]) -> Any:
    _check_is_function(function)
    try:
        declaration = Declaration(_task_type(function, given), function)
    except DeclarationError as error:
        raise DeclarationError(f"Task {function.__name__!r} ({_location(function)}): {error}") from None
    registered().add(declaration)
    setattr(function, _ATTRIBUTE, declaration)
    return function


def _task_type(function: FunctionType, given: Mapping[str, Any]) -> TaskType:
    options = parse_options(given)
    if options.timeout_seconds is not None and not (options.isolated or inspect.iscoroutinefunction(function)):
        timeout = f"timeout={options.timeout_seconds:g}"
        raise DeclarationError(
            f"{timeout} cannot be enforced, because a function that shares its process with other tasks cannot be "
            f"stopped. Write async def, or @task({timeout}, isolated=True)."
        )
    parameters = _signature(function).parameters.values()
    for parameter in parameters:
        _check_parameter(parameter)
    name = given.get("name")
    return TaskType(
        name=check_name(function.__name__ if name is None else name),
        arguments=tuple(_argument(parameter) for parameter in parameters if parameter.kind is not _REST),
        accepts_more=any(parameter.kind is _REST for parameter in parameters),
        doc=(inspect.getdoc(function) or "").partition("\n")[0],
        options=options,
        is_default=flag(given, "default"),
    )


def _check_is_function(function: Any) -> None:
    refused = f"@task cannot decorate {_describe(function)}"
    if isinstance(function, type):
        raise DeclarationError(f"{refused}. Write a function that uses the class.")
    if isinstance(function, _METHODS) or _is_method(function):
        raise DeclarationError(f"{refused}: a task is called without an object. Move the function out of its class.")
    if not isinstance(function, FunctionType):
        raise DeclarationError(f"{refused}. Write a function: def or async def.")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(
            f"{refused}: a generator returns before its work is done. Return the result instead of yielding it."
        )


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
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.STRING)
    return inspect.signature(function)


def _location(function: FunctionType) -> str:
    code = function.__code__
    name = os.path.basename(code.co_filename)  # noqa: PTH119 - pathlib takes a worker 5 ms to import
    return f"{name}:{code.co_firstlineno}"


def _describe(thing: Any) -> str:
    if isinstance(thing, type):
        return f"the class {thing.__name__}"
    if isinstance(thing, _METHODS):
        return f"a {type(thing).__name__}"
    name = getattr(thing, "__qualname__", None)
    return repr(thing) if name is None else f"{name}()"
