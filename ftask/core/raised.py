"""What an attempt raised, as it is recorded.

An exception is code of its author: its text, its attributes and its causes may raise anything, or never end. Nothing
of that may take the place of what was raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from ftask.core.errors import AttemptError, PermanentError, RetryAfter
from ftask.core.text import printable

# Longest error message kept, in the item and on the dead letter.
MAX_ERROR_BYTES = 1024
_MAX_TYPE_BYTES = 100
_TYPE_NAME = "__ftask_type__"
# A message lives 14 days in its queue, and has to be there when the delay ends.
MAX_REQUESTED_SECONDS = 7 * 86_400.0

T = TypeVar("T")


def recorded(error: BaseException) -> AttemptError:
    """Return the type, the message and the wishes of an exception, in one line each."""
    if isinstance(error, AttemptError):
        return error
    return AttemptError(
        type_of(error),
        message_of(error),
        permanent=isinstance(error, PermanentError),
        requested_seconds=guarded(lambda: _requested_seconds(error)),
    )


def _requested_seconds(error: BaseException) -> float | None:
    return min(max(0.0, float(error.seconds)), MAX_REQUESTED_SECONDS) if isinstance(error, RetryAfter) else None


def name_type(error: BaseException, name: str) -> None:
    """Let an exception be recorded under another name than its class's."""
    guarded(lambda: setattr(error, _TYPE_NAME, name))


def type_of(error: BaseException) -> str:
    """Return the name of an exception's class, or what it was given instead."""
    given = guarded(lambda: str(getattr(error, _TYPE_NAME, "")))
    return guarded(lambda: printable(given or type(error).__name__, _MAX_TYPE_BYTES)) or "Exception"


def message_of(error: BaseException) -> str:
    """Return the message of an exception with its notes (`add_note`)."""
    try:
        text = str(error)
    except BaseException as failure:  # noqa: BLE001
        text = f"its message cannot be read: {type(failure).__name__}"
    notes = guarded(lambda: " ".join(error.__notes__)) or ""
    return guarded(lambda: printable(f"{text} {notes}", MAX_ERROR_BYTES)) or printable("", MAX_ERROR_BYTES)


def causes_of(error: BaseException) -> Iterator[BaseException]:
    """Yield the exception and those that it was raised from, each once."""
    cause: BaseException | None = error
    seen: set[int] = set()
    while isinstance(cause, BaseException) and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = guarded(partial(getattr, cause, "__cause__"))


def guarded(describe: Callable[[], T]) -> T | None:
    """Return what `describe` returns; None if it raises anything."""
    try:
        return describe()
    except BaseException:  # noqa: BLE001 - SystemExit too: the exception's own code decides what it raises
        return None
