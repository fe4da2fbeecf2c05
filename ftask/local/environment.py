"""The environment variables that the engine runs with: its settings, and what it may inherit from the command."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ftask.local.function_start import VARIABLE
from ftask.local.record import HOST, RootKey

# The functions inherit the engine's environment. So that a task runs on the laptop as on AWS, an allow-list: what
# programs need to find their files and their language. No credentials, no proxy, and nothing of a virtualenv.
_INHERITED = frozenset(
    {
        *("PATH", "HOME", "USER", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR"),
    }
)
_OWN_HOSTS = f"{HOST},localhost"


def engine_environment(root: Path, port: int, token: str, key: RootKey, caller: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the engine that serves the state folder `root` at `port`.

    The engine repeats `token` in its health answer. `key` is its root key: a function gets the keys of its role in
    these variables. `caller` is the environment of the command that starts the engine.
    """
    inherited = {name: value for name, value in caller.items() if name in _INHERITED}
    return inherited | {
        "GATEWAY_PORT": str(port),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_EDITION": token,
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(root / "state"),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(root / "s3"),
        "TMPDIR": str(root / "tmp"),
        "LAMBDA_EXECUTOR": "local",
        VARIABLE: "1",
        # HOME leads to the user's own, which may be broken too.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        # A proxy of [tasks.environment] does not reach this machine.
        "NO_PROXY": _OWN_HOSTS,
        "no_proxy": _OWN_HOSTS,
        # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
        "TZ": ":UTC",
        # Listeners of services that ftask does not use.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
