"""Where the engine listens: 127.0.0.1, at the configured port, the last one, the preferred one, or any free one."""

from __future__ import annotations

import os
import socket

from ftask.core.errors import FtaskError

HOST = "127.0.0.1"
PREFERRED_PORT = 4566
PORT_VARIABLE = "FTASK_LOCAL_PORT"


def choose_port(last: int | None) -> int:
    """Return the port for a new engine; `last` is the one of the engine before.

    Raises:
        FtaskError: the configured port is not a port number, or another program uses it.
    """
    configured = os.environ.get(PORT_VARIABLE)
    if configured is not None:
        if not configured.isdecimal() or not 0 < int(configured) < 65536:
            raise FtaskError(f"{PORT_VARIABLE} is {configured!r}, not a port number.", "Use 1 to 65535.")
        if not is_free(int(configured)):
            raise FtaskError(
                f"Another program uses port {configured}, which {PORT_VARIABLE} names.",
                f"Choose another port with {PORT_VARIABLE}, or unset it.",
            )
        return int(configured)
    for port in (last, PREFERRED_PORT):
        if port is not None and is_free(port):
            return port
    return any_free_port()


def any_free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free: int = probe.getsockname()[1]
        return free


def is_free(port: int) -> bool:
    """Return whether a server can listen at `port`."""
    with socket.socket() as probe:
        # The engine's server does the same: a port in TIME_WAIT counts as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
