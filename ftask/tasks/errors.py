"""What can be wrong with a declaration, a payload or an attempt."""

from __future__ import annotations

from ftask.core.errors import FtaskError, PermanentError


class DeclarationError(FtaskError):
    """A task is declared wrongly. Raised when its module is imported; the text says what to write."""


class ModuleLoadError(FtaskError):
    """The module with the tasks could not be imported.

    `traceback` ends in the line that failed and holds no frame of ftask or the import system.
    """

    def __init__(self, message: str, hint: str | None = None, traceback: str = "") -> None:
        super().__init__(message, hint)
        self.traceback = traceback


class OutsideTaskError(FtaskError):
    """`current()` was called where no task runs."""

    def __init__(self) -> None:
        super().__init__(
            "current() was called outside of a running task. In a test, call the function inside "
            "`with ftask.testing.running():` or by `ftask.testing.run(...)`. A thread that a task starts does not "
            "inherit it: call current() before, and pass the result on."
        )


class InvalidPayload(PermanentError):  # noqa: N818 - the error type that a user reads
    """The payload does not fit the task's arguments. No retry can help, so the task fails at once."""


class AttemptAborted(Exception):  # noqa: N818 - the error type that a user reads
    """The task raised what is not an `Exception`, such as KeyboardInterrupt; that is a failed attempt too."""
