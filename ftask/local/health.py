"""Who answers at the engine's port: the engine on record, or another program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from ftask.local.address import HOST
from ftask.local.record import RootKey, RunningEngine

_TIMEOUT_SECONDS = 5
_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class Health:
    """What an engine says of itself: the token that it was started with, and the version of ministack."""

    token: str
    version: str


def read_health(port: int, key: RootKey) -> Health | None:
    """Return what the engine at `port` says of itself; None if none answers there.

    The request is signed with `key`, so that another program at the port learns nothing of use.
    """
    url = f"http://{HOST}:{port}/_ministack/health"
    signed = AWSRequest("GET", url)
    SigV4Auth(ReadOnlyCredentials(key.access_key_id, key.secret_access_key, None), "ministack", _REGION).add_auth(
        signed
    )
    opener = build_opener(ProxyHandler({}))  # a proxy of the environment does not reach this machine
    try:
        with opener.open(Request(url, headers=dict(signed.headers.items())), timeout=_TIMEOUT_SECONDS) as answer:
            fields = json.loads(answer.read())
    except (URLError, OSError, ValueError):
        return None
    if not isinstance(fields, dict):
        return None
    return Health(str(fields.get("edition")), str(fields.get("version", "?")))


def answers(engine: RunningEngine) -> bool:
    """Return whether this engine answers at its port."""
    health = read_health(engine.port, engine.root_key)
    return health is not None and health.token == engine.token
