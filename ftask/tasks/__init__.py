"""The user's own tasks: what their module imports, and how a worker calls it.

`declaration` has `@task` and what it declared, with its `options` and the function's `signature`; `context` has the
attempt that runs. `loading` imports the user's module; `worker` makes one handler of its tasks for the executor, by way
of `conversion` (payload to arguments); `output` marks what they log and print; `manifest` describes them for the API;
`testing` runs them in tests, `trial` from a terminal.

All of it is in the worker's archive: nothing but the standard library, the pure modules of the core, and pydantic
where the user's project has it.
"""

from ftask.core.errors import TimedOut
from ftask.tasks.context import Run, current
from ftask.tasks.declaration import task
from ftask.tasks.errors import DeclarationError, InvalidPayload

__all__ = ["DeclarationError", "InvalidPayload", "Run", "TimedOut", "current", "task"]
