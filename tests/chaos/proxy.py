"""A proxy on the loopback interface between the functions and AWS, which fails as networks and services do."""

from __future__ import annotations

import http.client
import json
import sys
import threading
from collections import Counter
from enum import StrEnum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit


class Harm(StrEnum):
    """What may happen to a request."""

    THROTTLE = "throttled"
    ERROR = "answered 500"
    REFUSE = "connection dropped before AWS saw it"
    LOSE = "connection dropped after AWS applied it"


class FaultyProxy:
    """Forwards requests to `upstream`, and harms the share `rate` of them; all of them while `outage` is set."""

    def __init__(self, upstream: str, rng: Random) -> None:
        self.rate = 0.0
        self.outage = False
        self.harmed: Counter[Harm] = Counter()
        self.forwarded = 0
        self._upstream = urlsplit(upstream)
        self._rng = rng
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._serve(self)

            def log_message(self, *args: Any) -> None:
                """Tests print their own story."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: Any, client_address: Any) -> None:
                # A worker that was killed in mid-call reads no answer.
                if not isinstance(sys.exception(), ConnectionError):
                    super().handle_error(request, client_address)

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True

    def __enter__(self) -> FaultyProxy:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _serve(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("content-length", 0)))
        harm = self._decide()
        if harm is Harm.REFUSE:
            request.close_connection = True
        elif harm is Harm.THROTTLE:
            _answer(request, 400, json.dumps({"__type": "ThrottlingException", "message": "slow down"}).encode())
        elif harm is Harm.ERROR:
            _answer(request, 500, b'{"__type": "InternalServerError"}')
        else:
            status, headers, answer = self._forward(request, body)
            if harm is Harm.LOSE:
                request.close_connection = True
            else:
                _answer(request, status, answer, headers)

    def _decide(self) -> Harm | None:
        with self._lock:
            if self.outage:
                harm: Harm | None = Harm.ERROR
            elif self._rng.random() < self.rate:
                harm = self._rng.choice(list(Harm))
            else:
                harm = None
                self.forwarded += 1
            if harm is not None:
                self.harmed[harm] += 1
            return harm

    def _forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        connection = http.client.HTTPConnection(str(self._upstream.hostname), self._upstream.port, timeout=30)
        try:
            # The Host header is part of the signature and goes through as it is.
            connection.putrequest("POST", request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                connection.putheader(name, value)
            connection.endheaders(body)
            answer = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        return answer.status, answer.getheaders(), content


def _answer(
    request: BaseHTTPRequestHandler, status: int, body: bytes, headers: list[tuple[str, str]] | None = None
) -> None:
    request.send_response_only(status)
    for name, value in headers or [("content-type", "application/x-amz-json-1.0")]:
        if name.lower() not in ("content-length", "transfer-encoding", "connection"):
            request.send_header(name, value)
    request.send_header("content-length", str(len(body)))
    request.end_headers()
    request.wfile.write(body)
