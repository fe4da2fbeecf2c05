"""The environment variables that the engine runs with: its settings, and what it may inherit from the command."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ftask.local.ports import HOST

# Nothing of the caller's AWS configuration may reach the engine or the functions that it runs.
_NOT_INHERITED = ("AWS_", "FTASK_", "MINISTACK_", "LAMBDA_", "PYTHON", "COVERAGE_")


def engine_environment(root: Path, port: int, token: str, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the engine that serves the state folder `root` at `port`.

    The engine repeats `token` in its health answer. `caller` is the environment of the command that starts it.
    """
    inherited = {name: value for name, value in caller.items() if not name.startswith(_NOT_INHERITED)}
    return inherited | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_EDITION": token,
        "AUTH": "true",
        "PERSIST_STATE": "1",
        "STATE_DIR": str(root / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(root / "s3"),
        "TMPDIR": str(root / "tmp"),
        "LAMBDA_EXECUTOR": "local",
        # Listeners of services that ftask does not use.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
