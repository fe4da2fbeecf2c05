"""The main module of a child process whose tasks do what a bad task does."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ftask.core.child import serve
from ftask.core.errors import PermanentError, RetryAfter
from ftask.core.ports import Handler, Job


def echo(argument: Any) -> Any:
    return argument


def pid(_: Any) -> int:
    return os.getpid()


def state(_: Any) -> list[Any]:
    """What a task before may have changed."""
    mask = os.umask(0)
    os.umask(mask)
    alarm = signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    return [str(Path.cwd()), mask, alarm, signal.getitimer(signal.ITIMER_REAL)[0]]


def change_everything(_: Any) -> None:
    os.chdir("/")
    os.umask(0)
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.setitimer(signal.ITIMER_REAL, 600)


def oom_score(_: Any) -> str:
    return Path("/proc/self/oom_score_adj").read_text().strip()


def exit_at_once(code: int) -> None:
    os._exit(code)


def kill(number: int) -> None:
    os.kill(os.getpid(), number)
    time.sleep(60)


def segfault(_: Any) -> None:
    ctypes.string_at(0)


def hang(_: Any) -> None:
    while True:
        time.sleep(60)


def hang_in_c(_: Any) -> None:
    """Hold the interpreter's lock: no thread of Python runs any more."""
    ctypes.PyDLL(None).pause()


def allocate(_: Any) -> int:
    return len(bytearray(1 << 40))


def fail(kind: str) -> None:
    raise {
        "value": ValueError("no"),
        "permanent": PermanentError("never"),
        "later": RetryAfter(0.5),
        "exit": SystemExit(3),
        "interrupt": KeyboardInterrupt(),
        "unreadable": _Unreadable(),
    }[kind]


class _Unreadable(Exception):  # noqa: N818
    def __str__(self) -> str:
        raise RuntimeError("not even this")


def cyclic(_: Any) -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


def shout(megabytes: int) -> str:
    for _ in range(megabytes):
        sys.stdout.write("x" * (1 << 20) + "\n")
    sys.stdout.flush()
    os.write(1, b'{"result":"forged"}\n')
    os.write(2, "zażółć\n".encode())
    return "said"


def close_output(_: Any) -> None:
    os.close(1)
    os.close(2)


def print_for_ever(_: Any) -> None:
    threading.Thread(target=_print_for_ever, daemon=True).start()


def _print_for_ever() -> None:
    while True:
        os.write(1, b"still here\n")


def fork(_: Any) -> str:
    return "child" if os.fork() == 0 else "parent"


def leave_a_process(path: str) -> None:
    """Start what outlives the child, which then dies."""
    process = subprocess.Popen(["/bin/sleep", "600"])
    Path(path).write_text(str(process.pid))
    os._exit(1)


TASKS: dict[str, Callable[[Any], Any]] = {
    function.__name__: function
    for function in (
        *(echo, pid, state, change_everything, oom_score, exit_at_once, kill, segfault, hang, hang_in_c, allocate),
        *(fail, cyclic, shout, close_output, print_for_ever, fork, leave_a_process),
    )
}


def load() -> Handler:
    if os.environ.get("CHILD_CANNOT_START"):
        raise OSError("cannot start")

    def handle(job: Job) -> Any:
        return TASKS[job.type](job.payload.get("argument"))

    return handle


if __name__ == "__main__":
    jobs, answers, parent = map(int, sys.argv[1:])
    serve(load, jobs, answers, parent)
