"""`@task`: a function becomes a task type, is registered in this process, and stays a function."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Literal, ParamSpec, Protocol, TypeVar, overload

from ftask.core.errors import FtaskError
from ftask.core.manifest import TaskType
from ftask.tasks.errors import DeclarationError
from ftask.tasks.options import check_name, check_names, flag, parse_options
from ftask.tasks.signature import METHODS, arguments_of, check_is_function, code_of, describe, location_of
from ftask.tasks.submitting import Task, make_submittable


class Registry:
    """Declared tasks by name, in the order of their declaration."""

    def __init__(self) -> None:
        self._declarations: dict[str, Declaration] = {}

    def __iter__(self) -> Iterator[Declaration]:
        return iter(self._declarations.values())

    def __len__(self) -> int:
        return len(self._declarations)

    @property
    def names(self) -> list[str]:
        return list(self._declarations)

    def find(self, name: str) -> Declaration | None:
        """Return the declaration of this name, or None."""
        return self._declarations.get(name)

    def add(self, declaration: Declaration) -> None:
        """Add a declaration.

        The same lines of the same file may be executed again, as a reload does: then the new function counts.

        Raises:
            DeclarationError: another task has its name, or is the default too.
        """
        name = declaration.name
        same = self.find(name)
        if same is not None and same.origin != declaration.origin:
            raise DeclarationError(
                f"Two tasks are named {name!r}: {same.location} and {declaration.location}. Rename one function, or "
                'write @task(name="another_name").'
            )
        default = next((other for other in self if other.type.is_default and other.name != name), None)
        if declaration.type.is_default and default is not None:
            raise DeclarationError(
                f"Two tasks are declared default=True: {default.name!r} ({default.location}) and {name!r} "
                f"({declaration.location}). Keep it on one of them."
            )
        self._declarations[name] = declaration


# The last one counts; the first is the process's.
_registries = [Registry()]


def registered() -> Registry:
    """Return the registry that `@task` adds to."""
    return _registries[-1]


@contextmanager
def fresh_registry() -> Iterator[Registry]:
    """Let `@task` add to an empty registry inside the block: for tests that declare tasks."""
    _registries.append(Registry())
    try:
        yield _registries[-1]
    finally:
        _registries.pop()


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
        return location_of(self.function)

    @property
    def origin(self) -> tuple[str, int, str]:
        """What stays the same when the same lines are executed again."""
        code = code_of(self.function)
        return code.co_filename, code.co_firstlineno, self.function.__qualname__


class _Declare(Protocol):
    """What `@task(...)` returns: the decorator."""

    @overload
    def __call__(self, function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, Coroutine[Any, Any, R], R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> Task[P, R, R]: ...


@overload
def task(function: Callable[P, Coroutine[Any, Any, R]], /) -> Task[P, Coroutine[Any, Any, R], R]: ...


@overload
def task(function: Callable[P, R], /) -> Task[P, R, R]: ...


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
    cron: str | None = None,
    timezone: str | None = None,
    every: str | None = None,
    overlap: Literal["skip", "queue"] = "skip",
    catch_up: bool = False,
) -> _Declare: ...


def task(*functions: Any, **options: Any) -> Any:
    """Declare a function as a task type: `@task`, or `@task(...)` with options.

    It stays a plain function: calling it runs it,
    `.submit(...)` submits it. ftask calls it with the payload's keys as keyword arguments, and
    stores what it returns, which must be JSON, as the task's result. Any exception is a failed attempt, which is
    retried after its backoff; `PermanentError` fails the task at once, `RetryAfter` chooses the delay. A task may run
    more than once: make its effects idempotent with `current().task_id`. Put @task above all other decorators.

    Args:
        name: the name of the type; default: the function's name.
        max_attempts: how often a task is attempted before it fails, 1 to 100; default: the stack's MaxAttempts.
            It is fixed when a task is submitted.
        backoff: `(base_seconds, cap_seconds)`, 0 to 86400 each: the delay after failed attempt n is
            base · 2^(n-1) seconds, at most the cap; default: the stack's.
        jitter: whether the delay is random, from 0 to that value; default: the stack's.
        timeout: how many seconds an attempt may take, up to 1800; then it is stopped, and has failed with TimedOut.
            An `async def` is cancelled, an isolated task is killed; any other cannot be stopped. Default: until the
            worker's time ends.
        isolated: whether attempts run in a child process of the worker, which a crash or a leak of memory ends alone;
            default: False. A task whose worker died always runs so from then on.
        default: whether submissions that name no type are for this one; at most one type. Default: False.
        cron: when the task runs by itself, as EventBridge Scheduler writes it: minutes, hours, day of month, month, day
            of week, year, like "0 6 * * ? *". All arguments of the task must have defaults.
        timezone: the zone of `cron`, a name of the IANA database like "Europe/Kyiv"; default: UTC. A time that the
            clocks skip does not fire, one that they repeat fires once.
        every: instead of `cron`, the interval: "15m", "2h" or "1d".
        overlap: what happens where the run before has not ended: "skip", no run (the default), or "queue", the run
            waits for its end.
        catch_up: whether `ftask schedule resume`, or a local engine that starts again, makes up for one run if some
            were missed. Default: False.

    Raises:
        DeclarationError: the declaration cannot work; the text says what to write.
    """
    check_names(options)
    if not functions:
        return lambda function: _declare(function, options)
    if len(functions) == 1 and not options and (callable(functions[0]) or isinstance(functions[0], METHODS)):
        return _declare(functions[0], options)
    raise DeclarationError(f"@task takes its options by name, not {functions[-1]!r}: write @task(name=...).")


def declaration_of(function: AnyFunction) -> Declaration:
    """Return the declaration of a function that is a task.

    Raises:
        FtaskError: it is not one.
    """
    declaration = getattr(function, _ATTRIBUTE, None)
    if not isinstance(declaration, Declaration):
        raise FtaskError(f"{describe(function)} is not a task.", "Put @task above it: from ftask import task.")
    return declaration


def _declare(function: Any, given: Mapping[str, Any]) -> Any:
    check_is_function(function)
    try:
        declaration = Declaration(_task_type(function, given), function)
    except DeclarationError as error:
        raise DeclarationError(f"Task {function.__name__!r} ({location_of(function)}): {error}") from None
    registered().add(declaration)
    setattr(function, _ATTRIBUTE, declaration)
    make_submittable(function, declaration)
    return function


def _task_type(function: FunctionType, given: Mapping[str, Any]) -> TaskType:
    options = parse_options(given)
    if options.timeout_seconds is not None and not options.isolated and not inspect.iscoroutinefunction(function):
        timeout = f"timeout={options.timeout_seconds:g}"
        raise DeclarationError(
            f"{timeout} cannot be enforced, because a function that shares its process with other tasks cannot be "
            "stopped. Write async def, or add isolated=True."
        )
    arguments, accepts_more = arguments_of(function)
    required = [argument.name for argument in arguments if argument.required]
    if options.schedule is not None and required:
        raise DeclarationError(
            f"a schedule gives no arguments, and {required[0]!r} is required. Give it a default, or remove cron or "
            "every."
        )
    name = given.get("name")
    return TaskType(
        name=check_name(function.__name__ if name is None else name),
        arguments=arguments,
        accepts_more=accepts_more,
        doc=(inspect.getdoc(function) or "").partition("\n")[0],
        options=options,
        is_default=flag(given, "default"),
    )
