"""The errors of ftask. One root, so that the command line can turn any of them into a message."""

from __future__ import annotations


class FtaskError(Exception):
    """Something the reader can act on.

    `message` says what happened and to what; `hint`, where there is one, says what to do next.
    """

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class SettingsError(FtaskError):
    """A setting is missing or contradicts itself; nothing was done."""


class PayloadError(FtaskError):
    """The payload of a task cannot be accepted."""


class PayloadTooLargeError(PayloadError):
    """The payload is larger than a task may be."""


class CursorError(FtaskError):
    """The cursor is none that this API gave out."""

    def __init__(self) -> None:
        super().__init__("The cursor is not one of this API.", "Take it from the answer before, as it is.")


class IdempotencyConflictError(FtaskError):
    """The idempotency key already belongs to a task with another payload."""


class TemporarilyUnavailableError(FtaskError):
    """The infrastructure did not take the task; sending the same request again is right."""


class PermanentError(Exception):
    """Raise this in a task handler when no retry can help: the task fails at once.

    The task goes to the dead-letter queue whatever attempts it has left.
    """


class RetryAfter(Exception):  # noqa: N818 - reads as an instruction where it is raised
    """Raise this in a task handler to choose the delay before the next attempt.

    `seconds` is capped by the stack's backoff cap. The attempt counts like any failed one.
    """

    def __init__(self, seconds: float, message: str = "") -> None:
        super().__init__(message or f"retry after {seconds:g} s")
        self.seconds = float(seconds)
