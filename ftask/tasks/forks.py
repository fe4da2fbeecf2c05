"""A process that a task forks is not its worker: it may not report for the attempt."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from ftask.tasks.tracebacks import traceback_text


@contextmanager
def ends_here() -> Iterator[None]:
    """End a process that was forked inside the block where it would leave the block, as a program would end."""
    worker = os.getpid()
    code = 0
    try:
        yield
    except BaseException as error:
        if os.getpid() == worker:
            raise
        code = error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1
        sys.stderr.write(traceback_text(error) + "\n")
    if os.getpid() != worker:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)
