"""The worker's child processes: attempts that must not share its own process run there.

A child is started when it is first needed, and used again until it dies or has to be killed. `child` has what runs in
it, and the form of what the two say to each other.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ftask.core import events, log
from ftask.core.child import READY, decode_answer, encode_job
from ftask.core.errors import TimedOut, WorkerLost
from ftask.core.events import EventName
from ftask.core.execution import SETTLE_TIME, limit_text
from ftask.core.ports import Clock, Handler, Job
from ftask.core.text import json_object
from ftask.core.timestamps import now

# A child needs its own memory: the first part is the worker's.
MEGABYTES_A_PROCESS = 128
MAX_CHILDREN = 10
_READ_BYTES = 32 * 1024
# https://man7.org/linux/man-pages/man7/pipe.7.html
_PIPE_BYTES = 64 * 1024
# In this number of invocations in a row a child may fail to start before that is the attempt's failure.
_VAIN_INVOCATIONS = 3
# A process that the task started may hold the pipes open after the child's death, so the child is looked at too; more
# often once it has closed its pipe, as it does when it dies.
_LOOK_SECONDS = 0.5
_LOOK_AGAIN_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """How long an attempt of a type may take; it is killed `grace_seconds` later, if it can end by itself till then."""

    seconds: float
    grace_seconds: float = 0.0


def children_for(memory_megabytes: int) -> int:
    """Return how many children a worker with so much memory may have at once, 1 to 10."""
    return max(1, min(MAX_CHILDREN, memory_megabytes // MEGABYTES_A_PROCESS - 1))


class Children:
    """:class:`ftask.core.ports.Isolation` by processes of this machine. Threads share it.

    `module` is the main module of a child: it gets two file descriptors and the worker's process id as arguments.
    `count` is how many children may live at once. `limits` are those of the types that declare one: it ends
    their attempts, where that is before the worker's own time does. `advice` says what helps a child that is slow to
    start: it ends the errors.
    """

    def __init__(
        self,
        module: str,
        count: int,
        limits: Mapping[str, TimeLimit] | None = None,
        advice: str = "",
        clock: Clock = now,
    ) -> None:
        self._module = module
        self._limits = limits or {}
        self._advice = advice
        self._clock = clock
        self._free = threading.Semaphore(count)
        self._idle: list[_Child] = []
        # The ends of the invocations, since a child was last ready, in which none was.
        self._vain: set[datetime] = set()
        # Linux ends a child when the thread that started it ends, so one thread starts all of them and stays.
        self._starter = ThreadPoolExecutor(1, "ftask-children")

    @contextmanager
    def child(self, until: datetime) -> Iterator[Handler | None]:
        end = self._monotonic(until)
        if not self._free.acquire(timeout=max(0.0, end - time.monotonic())):
            yield None
            return
        try:
            try:
                child = self._ready_child(end)
            except WorkerLost as error:
                self._vain.add(until)
                if len(self._vain) < _VAIN_INVOCATIONS:
                    log.write(events.infrastructure_failed(error))
                    yield None
                else:
                    self._vain.clear()
                    yield _raising(error)
                return
            self._vain.clear()
            try:
                # One that was ready too late has the next attempt.
                yield None if time.monotonic() > end else lambda job: child.run(job, *self._end_of(job))
            finally:
                self._keep(child)
        finally:
            self._free.release()

    def start_seconds(self, until: datetime) -> float:
        """Return how long a child took to be ready; start one unless one is idle.

        Raises:
            WorkerLost: none was ready by `until`, or it died; the message says why.
        """
        child = self._ready_child(self._monotonic(until))
        try:
            if not child.is_alive():
                child.kill()
                ended = _ended(child.process.returncode)
                raise WorkerLost(f"A child process {ended} before it could run a task. It printed: {child.last_line}")
            return child.start_seconds
        finally:
            self._keep(child)

    def close(self) -> None:
        """Kill the children that are idle."""
        while self._idle:
            self._idle.pop().kill()
        self._starter.shutdown()

    def _ready_child(self, end: float) -> _Child:
        """Return a child that can run jobs, or has died: then its first job says so.

        Raises:
            WorkerLost: no process can be started, or it is not ready by the monotonic time `end`; it goes on loading.
        """
        started = time.monotonic()
        try:
            child = self._take() or self._starter.submit(_Child.start, self._module).result()
        except OSError as error:  # no memory or no process is left for one
            raise WorkerLost(f"No process can be started for the attempt: {error}. {self._advice}".rstrip()) from error
        if not child.wait_until_ready(end):
            self._idle.insert(0, child)
            seconds = time.monotonic() - started
            text = f"The process of the attempt was still loading after {seconds:.1f} s. {self._advice}"
            raise WorkerLost(text.rstrip())
        return child

    def _take(self) -> _Child | None:
        while True:
            try:
                child = self._idle.pop()
            except IndexError:
                return None
            if child.is_alive():
                return child
            child.kill()

    def _keep(self, child: _Child) -> None:
        if child.is_alive():
            self._idle.append(child)
        else:
            child.kill()

    def _monotonic(self, until: datetime) -> float:
        return time.monotonic() + (until - self._clock()).total_seconds()

    def _end_of(self, job: Job) -> tuple[float, str]:
        """Return the seconds that the attempt may still take, and why no more."""
        seconds = (job.deadline - SETTLE_TIME - self._clock()).total_seconds()
        limit = self._limits.get(job.type)
        if limit is None or limit.seconds + limit.grace_seconds > seconds:
            return seconds, limit_text(None)
        return limit.seconds + limit.grace_seconds, limit_text(limit.seconds)


@dataclass
class _Child:
    """One child process, used by one thread at a time."""

    process: subprocess.Popen[bytes]
    jobs: int
    answers: int
    started: float = field(default_factory=time.monotonic)
    start_seconds: float = 0.0
    last_line: str = ""
    _is_ready: bool = False
    _is_closed: bool = False
    _answered: bytes = b""
    _printed: dict[str, bytes] = field(default_factory=dict)
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)

    @classmethod
    def start(cls, module: str) -> _Child:
        jobs_read, jobs = os.pipe()
        answers, answers_write = os.pipe()
        try:
            arguments = map(str, (jobs_read, answers_write, os.getpid()))
            process = subprocess.Popen(  # noqa: S603 - this interpreter, and a module of this package
                # A crash prints where it happened.
                [sys.executable, "-X", "faulthandler", "-m", module, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(jobs_read, answers_write),
                # A separate process group: what the task starts is killed with it; signals of the worker miss it.
                start_new_session=True,
                env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            )
        except BaseException:
            os.close(jobs)
            os.close(answers)
            raise
        finally:
            os.close(jobs_read)
            os.close(answers_write)
        child = cls(process, jobs, answers)
        for name, stream in (("stdout", process.stdout), ("stderr", process.stderr)):
            if stream is None:
                raise AssertionError("the child's output is a pipe")
            os.set_blocking(stream.fileno(), False)
            child._selector.register(stream, selectors.EVENT_READ, name)
        os.set_blocking(answers, False)
        child._selector.register(answers, selectors.EVENT_READ)
        return child

    def is_alive(self) -> bool:
        if self.process.returncode is not None:
            return False
        # Not reaped before it is killed: until then, nothing else can have its process group.
        return os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def wait_until_ready(self, end: float) -> bool:
        """Wait until the child can run jobs; return False if it does not by the monotonic time `end`."""
        if not self._is_ready:
            self._is_ready = self._answer(end, None) == READY
            self.start_seconds = time.monotonic() - self.started
        # A child that died meanwhile says so when it is given its job.
        return self._is_ready or not self.is_alive()

    def run(self, job: Job, seconds: float, reason: str) -> Any:
        """Run the job; kill the child if it takes longer than `seconds`, for `reason`.

        Raises:
            AttemptError: the work raised something.
            TimedOut: the child was killed.
            WorkerLost: it died.
        """
        started = time.monotonic()
        with suppress(BrokenPipeError):  # it is dead, which is seen below
            _write(self.jobs, encode_job(job, deadline=job.deadline - SETTLE_TIME))
        line = self._answer(started + seconds, job)
        if line is not None:
            try:
                return decode_answer(line)
            except ValueError as error:
                self.kill()
                raise WorkerLost(f"The process of the attempt gave an answer that cannot be read: {error}.") from None
        died = not self.is_alive()
        self.kill(job)
        if died:
            raise WorkerLost(f"The process of the attempt {_ended(self.process.returncode)}.")
        raise TimedOut(f"The attempt was killed after {time.monotonic() - started:.1f} s: {reason}.")

    def kill(self, job: Job | None = None) -> None:
        """End the child and what it started; pass on what it had printed for `job`. Harmless when it is dead."""
        if self.process.returncode is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._read_rest(job)
        for name, rest in self._printed.items():
            _pass_on(rest, name, job)
        self._selector.close()
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()
        os.close(self.jobs)
        os.close(self.answers)

    def _answer(self, end: float, job: Job | None) -> bytes | None:
        """Return the child's next line; None if it dies or the monotonic time `end` comes first."""
        while b"\n" not in self._answered:
            left = end - time.monotonic()
            dead = not self.is_alive()
            look = _LOOK_AGAIN_SECONDS if self._is_closed else _LOOK_SECONDS
            self._read(0 if dead else max(0.0, min(left, look)), job)
            if b"\n" not in self._answered and (dead or left <= 0):
                return None
        line, _, self._answered = self._answered.partition(b"\n")
        self._read_rest(job)
        return line + b"\n"

    def _read_rest(self, job: Job | None) -> None:
        """Read what the pipes hold: of one that is written to without end, no more than fits in it."""
        for _ in range(_PIPE_BYTES // _READ_BYTES):
            self._read(0, job)

    def _read(self, seconds: float, job: Job | None) -> None:
        """Take in what the child says and prints; wait for something at most `seconds`."""
        for key, _ in self._selector.select(seconds):
            try:
                read = os.read(key.fd, _READ_BYTES)
            except BlockingIOError:
                continue
            if not read:
                self._selector.unregister(key.fileobj)
                self._is_closed |= key.data is None
            elif key.data is None:
                self._answered += read
            else:
                self._take_output(key.data, read, job)

    def _take_output(self, name: str, read: bytes, job: Job | None) -> None:
        *lines, rest = (self._printed.pop(name, b"") + read).split(b"\n")
        for line in lines:
            _pass_on(line, name, job)
            self.last_line = line.decode("utf-8", "replace").strip() or self.last_line
        if rest:
            # More than is logged need not be kept.
            self._printed[name] = rest[: events.MAX_LINE_BYTES + 1]


def _raising(error: Exception) -> Handler:
    def handle(job: Job) -> Any:
        raise error

    return handle


def _pass_on(line: bytes, stream: str, job: Job | None) -> None:
    """Log a line that a child printed: its JSON lines as they are, others as those of the task."""
    text = line.decode("utf-8", "replace").rstrip()
    if not text:
        return
    fields = json_object(text) if text.startswith("{") else None
    if fields is not None and "timestamp" in fields and fields.get("event") in list(EventName):
        log.write_line(text)
    else:
        log.write(events.printed(job, stream, text))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _ended(return_code: int) -> str:
    if return_code >= 0:
        return f"ended with exit code {return_code}"
    try:
        name = signal.Signals(-return_code).name
    except ValueError:
        name = f"signal {-return_code}"
    hint = ", as happens when memory runs out" if -return_code == signal.SIGKILL else ""
    return f"was killed by {name}{hint}"
