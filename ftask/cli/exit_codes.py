"""The exit codes of commands. Scripts rely on them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    DONE = 0
    FAILED = 1
    USAGE = 2
    TASK_FAILED = 3  # a task that was waited for ended FAILED
    TIMED_OUT = 4  # the wait ended before the task did
    INTERRUPTED = 130  # 128 + SIGINT, as shells have it
