"""A child process of the worker: it runs one attempt at a time, and its death is that attempt's alone.

The worker's side is `isolation`. The two speak by two pipes, a line of JSON for each job and each answer; what the
task prints goes to other pipes, so no task can speak for its child by printing.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from ftask.core.errors import AttemptError
from ftask.core.execution import encode_result
from ftask.core.ports import Handler, Job
from ftask.core.raised import recorded
from ftask.core.timestamps import from_iso, to_iso

# The child says so once it can run jobs.
READY = b'{"ready":true}\n'
# Environment variable: the MB of address space that a child may use.
MEMORY_VARIABLE = "FTASK_CHILD_MEMORY_MB"

# "Die when your parent dies", of Linux. https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html
_PR_SET_PDEATHSIG = 1
# The kernel looks for memory here first. https://man7.org/linux/man-pages/man5/proc_pid_oom_score_adj.5.html
_FIRST_TO_DIE = "1000"


def encode_job(job: Job, deadline: datetime) -> bytes:
    """Return the line that tells a child to run `job` until `deadline`."""
    values = {name: getattr(job, name) for name in Job.__dataclass_fields__}
    return _line(values | {"deadline": to_iso(deadline)})


def decode_answer(line: bytes) -> Any:
    """Return the result in a child's answer.

    Raises:
        AttemptError: the attempt failed.
        ValueError: it is not an answer.
    """
    answer = json.loads(line)
    if not isinstance(answer, dict) or not answer.keys() & {"result", "error"}:
        raise ValueError("neither a result nor an error")
    if "error" in answer:
        error = answer["error"]
        raise AttemptError(
            error["type"],
            error["message"],
            permanent=error["permanent"],
            requested_seconds=error["requestedSeconds"],
        )
    return answer["result"]


def serve(load: Callable[[], Handler], jobs_fd: int, answers_fd: int, parent: int) -> None:
    """Run the jobs of the worker with process id `parent` until it ends: what the child's main module calls.

    `load` returns the handler. The pipes are given by their file descriptors.
    """
    _end_with(parent)
    for descriptor in (jobs_fd, answers_fd):
        os.set_inheritable(descriptor, False)
    _be_first_to_die()
    _limit_memory()
    handler = load()
    with os.fdopen(jobs_fd, "rb") as jobs, os.fdopen(answers_fd, "wb", buffering=0) as answers:
        _answer(answers, READY)
        for line in jobs:
            answer = _run(handler, line)
            _flush()
            _answer(answers, answer)


def _run(handler: Handler, line: bytes) -> bytes:
    values = json.loads(line)
    job = Job(**values | {"deadline": from_iso(values["deadline"])})
    process, surroundings = os.getpid(), _Surroundings()
    try:
        result = encode_result(handler(job))
        answer = _line({"result": None if result is None else json.loads(result)})
    except BaseException as error:  # noqa: BLE001 - any error of the work is the attempt's outcome
        answer = _line({"error": _error(recorded(error))})
    if os.getpid() != process:
        os._exit(0)  # a process that the task forked came out of it; the answer is not its to give
    surroundings.restore()
    return answer


def _error(error: AttemptError) -> dict[str, Any]:
    return {
        "type": error.error_type,
        "message": str(error),
        "permanent": error.permanent,
        "requestedSeconds": error.requested_seconds,
    }


class _Surroundings:
    """What a task can change of its process and the next one must not find changed."""

    def __init__(self) -> None:
        self._folder = Path.cwd()
        self._mask = os.umask(0o077)
        os.umask(self._mask)
        self._signals = {number: signal.getsignal(number) for number in signal.valid_signals()}

    def restore(self) -> None:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in self._signals.items():
            if handler is not None and signal.getsignal(number) is not handler:
                with suppress(OSError, ValueError):
                    signal.signal(number, handler)
        os.umask(self._mask)
        with suppress(OSError):
            os.chdir(self._folder)


def _end_with(parent: int) -> None:
    """See to it that this process ends when the worker does, also in the middle of an attempt."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:  # it ended before the kernel knew that we want to know
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os.killpg(0, signal.SIGKILL)


def _be_first_to_die() -> None:
    with suppress(OSError):  # only Linux has it
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_DIE)


def _limit_memory() -> None:
    megabytes = os.environ.get(MEMORY_VARIABLE)
    if megabytes:
        import resource  # Windows, where `ftask run` loads this module, has none

        limit = int(megabytes) * 1024 * 1024
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # the task may have closed it
            stream.flush()


def _answer(answers: BinaryIO, line: bytes) -> None:
    # A pipe takes at most its room at once.
    view = memoryview(line)
    while view:
        view = view[answers.write(view) :]


def _line(values: dict[str, Any]) -> bytes:
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
