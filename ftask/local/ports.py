"""The engine's port: the configured one, the last one, the preferred one, or any that is free."""

from __future__ import annotations

import os
import socket

from ftask.local.errors import EngineError

HOST = "127.0.0.1"
PREFERRED_PORT = 4566
PORT_VARIABLE = "FTASK_LOCAL_PORT"


def choose_port(last: int | None) -> int:
    configured = os.environ.get(PORT_VARIABLE)
    if configured is not None:
        if not configured.isdecimal() or not 0 < int(configured) < 65536:
            raise EngineError(f"{PORT_VARIABLE} is {configured!r}, not a port number.", "Use one from 1 to 65535.")
        if not is_free(int(configured)):
            raise EngineError(
                f"Port {configured} is held by another program.",
                f"Choose another with {PORT_VARIABLE}, or unset it.",
            )
        return int(configured)
    for port in (last, PREFERRED_PORT):
        if port is not None and is_free(port):
            return port
    return any_free_port()


def any_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        free: int = probe.getsockname()[1]
        return free


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As the engine's own server does: a port in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True
