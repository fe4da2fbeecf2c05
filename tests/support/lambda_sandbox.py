"""A sandbox of AWS Lambda: AWS's own runtime client runs an unpacked archive against a Runtime API on loopback.

As on Lambda, the initialisation has a whole CPU and an invocation a part of one; between invocations every process of
the sandbox is stopped, and it is killed at the function's timeout. What needs control groups is left out where this
user may make none. https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any

_MEGABYTES_A_CPU = 1769
# As long as Lambda's: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
_PERIOD_MICROSECONDS = 20_000


class InvocationError(Exception):
    """The invocation ended with an error: what Lambda reports as `FunctionError`."""

    def __init__(self, error_type: str, message: str) -> None:
        super().__init__(f"{error_type}: {message}")
        self.error_type = error_type
        self.message = message


class Sandbox:
    """One sandbox of the worker in `code`; use it as a context manager. `log` has what its processes printed."""

    def __init__(
        self, code: Path, environment: Mapping[str, str], memory_megabytes: int = 1769, timeout_seconds: float = 20
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._share = min(1.0, memory_megabytes / _MEGABYTES_A_CPU)
        self._group = _ControlGroup()
        self._events: SimpleQueue[dict[str, Any]] = SimpleQueue()
        self._outcomes: SimpleQueue[dict[str, Any] | InvocationError] = SimpleQueue()
        self._initialised = threading.Event()
        self._server = _runtime_api(self)
        self.log = code.parent / f"{uuid.uuid4().hex}.log"
        host, port = self._server.server_address[:2]
        variables = {
            "AWS_LAMBDA_RUNTIME_API": f"{host!s}:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": "worker",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory_megabytes),
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "LAMBDA_TASK_ROOT": str(code),
        }
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [*self._group.enter, sys.executable, "-m", "awslambdaric", "ftask.handlers.worker.handler"],
                cwd=code,
                stdout=log,
                stderr=log,
                env=dict(environment) | variables,
            )

    def __enter__(self) -> Sandbox:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kill()
        self._server.shutdown()
        self._server.server_close()

    def initialise(self, limit_seconds: float | None = None) -> None:
        """Wait until the runtime asks for its first event, at most `limit_seconds`: AWS Lambda gives it 10 s.

        Raises:
            InvocationError: it took longer.
        """
        end = float("inf") if limit_seconds is None else time.monotonic() + limit_seconds
        while not self._initialised.wait(0.1):
            assert self._process.poll() is None, self.log.read_text()
            if time.monotonic() > end:
                raise InvocationError("Sandbox.Timedout", f"The initialisation took more than {limit_seconds} s.")
        self._group.limit(self._share)
        self._group.signal(signal.SIGSTOP)

    def invoke(self, event: dict[str, Any]) -> Any:
        """Return what the handler returns.

        Raises:
            InvocationError: it raised, its process ended, or it was killed at the function's timeout.
        """
        if not self._initialised.is_set():
            self.initialise()
        deadline = time.time() + self._timeout_seconds
        self._group.signal(signal.SIGCONT)
        self._events.put({"body": json.dumps(event), "deadline": deadline})
        while True:
            try:
                outcome = self._outcomes.get(timeout=0.05)
                break
            except Empty:
                if self._process.poll() is not None:
                    raise InvocationError("Runtime.ExitError", f"exit {self._process.returncode}") from None
            if time.time() >= deadline:
                self._kill()
                raise InvocationError("Sandbox.Timedout", f"Task timed out after {self._timeout_seconds:.2f} seconds")
        self._group.signal(signal.SIGSTOP)
        if isinstance(outcome, InvocationError):
            raise outcome
        return outcome

    def logged(self) -> list[dict[str, Any]]:
        """The lines of JSON in the log."""
        return [json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{")]

    def next_event(self) -> dict[str, Any]:
        self._initialised.set()
        return self._events.get()

    def end(self, outcome: Any) -> None:
        self._outcomes.put(outcome)

    def _kill(self) -> None:
        self._group.signal(signal.SIGKILL)
        self._process.kill()
        self._process.wait()
        self._group.remove()


class _ControlGroup:
    """The processes of a sandbox, where this user may make a control group (version 1 or 2)."""

    def __init__(self) -> None:
        root = Path("/sys/fs/cgroup")
        self._is_first_version = (root / "cpu").is_dir()
        folder = (root / "cpu" if self._is_first_version else root) / f"ftask-{uuid.uuid4().hex[:8]}"
        self._folder: Path | None = folder
        try:
            folder.mkdir()
            self.limit(1.0)
        except OSError:
            with suppress(OSError):
                folder.rmdir()
            self._folder = None

    @property
    def enter(self) -> list[str]:
        """The command that runs the one after it in the group."""
        if self._folder is None:
            return []
        return ["/bin/sh", "-c", f'echo $$ > {self._folder}/cgroup.procs && exec "$@"', "sh"]

    def limit(self, share: float) -> None:
        """Give the group this share of one CPU."""
        if self._folder is None:
            return
        quota = max(1000, round(share * _PERIOD_MICROSECONDS))
        if self._is_first_version:
            (self._folder / "cpu.cfs_period_us").write_text(str(_PERIOD_MICROSECONDS))
            (self._folder / "cpu.cfs_quota_us").write_text(str(quota))
        else:
            (self._folder / "cpu.max").write_text(f"{quota} {_PERIOD_MICROSECONDS}")

    def signal(self, number: signal.Signals) -> None:
        """Send the signal to every process of the group."""
        if self._folder is None:
            return
        for pid in (self._folder / "cgroup.procs").read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), number)

    def remove(self) -> None:
        if self._folder is None:
            return
        folder, self._folder = self._folder, None
        for _ in range(100):
            with suppress(OSError):  # its processes have not all ended yet
                folder.rmdir()
                return
            time.sleep(0.05)


def _runtime_api(sandbox: Sandbox) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            event = sandbox.next_event()
            headers = {
                "Lambda-Runtime-Aws-Request-Id": str(uuid.uuid4()),
                "Lambda-Runtime-Deadline-Ms": str(round(event["deadline"] * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:worker",
                "Content-Type": "application/json",
            }
            self._answer(200, event["body"].encode(), headers)

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            is_error = self.path.endswith("/error")
            sandbox.end(InvocationError(body["errorType"], body["errorMessage"]) if is_error else body)
            self._answer(202, b"{}", {})

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Tests print their own story."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            if not isinstance(sys.exception(), ConnectionError):  # a sandbox that was killed
                super().handle_error(request, client_address)

    return Server(("127.0.0.1", 0), Handler)
