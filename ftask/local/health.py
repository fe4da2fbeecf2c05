"""Who answers at the engine's port: the engine on record, or another program."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from ftask.local.ports import HOST
from ftask.local.record import RunningEngine

_TIMEOUT_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Health:
    """What an engine says of itself: the token that it was started with, and the version of ministack."""

    token: str
    version: str


def read_health(port: int) -> Health | None:
    """Return what the engine at `port` says of itself; None if none answers there."""
    opener = build_opener(ProxyHandler({}))  # a proxy of the environment does not reach this machine
    try:
        with opener.open(f"http://{HOST}:{port}/_ministack/health", timeout=_TIMEOUT_SECONDS) as answer:
            fields = json.loads(answer.read())
    except (URLError, OSError, ValueError):
        return None
    if not isinstance(fields, dict):
        return None
    return Health(str(fields.get("edition")), str(fields.get("version", "?")))


def answers(engine: RunningEngine) -> bool:
    """Return whether this engine answers at its port."""
    health = read_health(engine.port)
    return health is not None and health.token == engine.token
