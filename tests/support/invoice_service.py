"""The HTTP service that the example of invoices calls: on this machine, and in every mood."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# The orders that it answers in another way than with an invoice.
BUSY_AT_FIRST = 429
REFUSED = 422
BROKEN = 500
SLOW_AT_FIRST = 504
# Longer than the example waits for an answer.
SLOW_SECONDS = 2.0


class InvoiceService(ThreadingHTTPServer):
    """It counts the requests with each idempotency key."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.requests: Counter[str] = Counter()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: InvoiceService

    def do_POST(self) -> None:
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["order"]
        key = self.headers["Idempotency-Key"]
        self.server.requests[key] += 1
        is_first = self.server.requests[key] == 1
        if order == BUSY_AT_FIRST and is_first:
            self._answer(429, "try later", ("Retry-After", "1"))
        elif order == REFUSED:
            self._answer(422, f"order {order} has no customer")
        elif order == BROKEN:
            self._answer(500, "out of order")
        else:
            if order == SLOW_AT_FIRST and is_first:
                time.sleep(SLOW_SECONDS)
            self._answer(200, json.dumps({"id": f"inv-{order}"}))

    def do_GET(self) -> None:
        if self.path == "/slow":
            time.sleep(SLOW_SECONDS)
        self._answer(404 if self.path == "/gone" else 200, "")

    def _answer(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (*headers, ("Content-Length", str(len(text)))):
            self.send_header(name, value)
        self.end_headers()
        # Who waits no longer has closed the connection.
        try:
            self.wfile.write(text.encode())
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Be silent."""


@contextmanager
def invoice_service() -> Iterator[InvoiceService]:
    """Serve on a free port until the block ends."""
    with InvoiceService() as service:
        thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield service
        finally:
            service.shutdown()
            thread.join()
