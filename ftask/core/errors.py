"""The errors of ftask. One root, so that the command line can turn any of them into a message."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from math import isfinite

from ftask.core.timestamps import now


class FtaskError(Exception):
    """Something the reader can act on.

    `message` says what failed and why, with the offending value; `hint` says what to do next.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def error_text(error: FtaskError) -> str:
    """Return what a person reads of `error`: its `traceback`, or the message where it has none, and the hint."""
    return "\n".join(filter(None, (getattr(error, "traceback", "") or error.message, error.hint)))


class SettingsError(FtaskError):
    """A setting is missing or not valid; nothing was done."""


class InvalidInputError(FtaskError):
    """What the caller gave is invalid; nothing was done."""


class PayloadError(InvalidInputError):
    """The payload of a task cannot be accepted."""


class PayloadTooLargeError(PayloadError):
    """The payload is larger than a task may be."""


class OutputError(FtaskError):
    """The result cannot be written to stdout."""


class CursorError(FtaskError):
    """The cursor was not given out by this API."""

    def __init__(self) -> None:
        super().__init__("Invalid cursor.", "Pass back `cursor` from the previous response unchanged.")


class IdempotencyConflictError(FtaskError):
    """The idempotency key already belongs to a task with another payload or of another type."""


class NotUniqueError(FtaskError):
    """Another task, `task_id`, holds the lock of this unique one."""

    def __init__(self, task_id: str) -> None:
        super().__init__(
            f"Task {task_id} is of the same type and unique key.",
            "Wait for it, or submit again when it has ended or the time of its uniqueness is over.",
        )
        self.task_id = task_id


class TemporarilyUnavailableError(FtaskError):
    """DynamoDB or SQS did not take the request. Sending the same request again is safe."""


class OutcomeUnknownError(TemporarilyUnavailableError):
    """DynamoDB or SQS failed in a way that leaves open whether they took the request."""


class PermanentError(Exception):
    """Raise this in a task handler when no retry can help.

    The task is `FAILED` at once, even with attempts left, and its dead letter is sent.
    """


class InvalidResult(PermanentError):  # noqa: N818 - the error type that a user reads
    """What the task returned is not JSON, or too large. The work is done, so no retry can help."""


class PayloadMissing(PermanentError):  # noqa: N818 - the error type that a user reads
    """The payload of the task is gone from the table, so no attempt can run it."""

    def __init__(self) -> None:
        super().__init__(
            "The payload of this task is not in the table: its item was deleted. Submit the work again as a new task."
        )


class RetryAfter(Exception):  # noqa: N818 - reads as an instruction where it is raised
    """Raise this in a task handler to choose the delay before the next attempt.

    `seconds` is the delay, up to a week; the task's backoff does not bound it. The text of an HTTP header Retry-After
    is accepted: seconds or a date. The attempt counts as a failed one, so after the last attempt the task is `FAILED`.

    Raises:
        ValueError: `seconds` is neither.
    """

    def __init__(self, seconds: float | str, message: str = "") -> None:
        self.seconds = max(0.0, _delay_seconds(seconds))
        super().__init__(message or f"retry after {self.seconds:g} s")


def _delay_seconds(delay: object) -> float:
    with suppress(TypeError, ValueError, OverflowError):
        seconds = float(delay)  # type: ignore[arg-type]  # whatever a header or a caller has
        if isfinite(seconds):
            return seconds
    try:
        at = parsedate_to_datetime(str(delay))
    except ValueError:
        raise ValueError(
            f"Invalid RetryAfter {delay!r}: expected seconds, like 30, or an HTTP date, like "
            "Wed, 21 Oct 2026 07:28:00 GMT."
        ) from None
    # Without a zone it is UTC, as HTTP's dates are.
    return (at.replace(tzinfo=at.tzinfo or UTC) - now()).total_seconds()


class TimedOut(Exception):  # noqa: N818 - the error type that a user reads
    """The attempt took longer than it may. It is retried like any failed one."""


class WorkerLost(Exception):  # noqa: N818 - the error type that a user reads
    """The process of the attempt ended without reporting. The attempt is retried like any failed one."""


class AttemptError(Exception):
    """What an attempt raised in another process: the type and the message of the exception there.

    `permanent` and `requested_seconds` say what the exception asked for: no retry, or a delay before it.
    """

    def __init__(
        self, error_type: str, message: str, *, permanent: bool = False, requested_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.permanent = permanent
        self.requested_seconds = requested_seconds


class UnknownTaskType(Exception):  # noqa: N818 - the error type that a user reads
    """This worker has no task of the type.

    The task waits, without an attempt, for a worker that has it: a deployment replaces the functions one by one. After
    15 minutes it fails.
    """

    def __init__(self, name: str, names: Iterable[str]) -> None:
        super().__init__(f"This worker has no task type {name!r}. Types: {', '.join(names)}.")
