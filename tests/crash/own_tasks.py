"""Tasks of a user's own, declared as users do, for the stories that are explored."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

from ftask.core.errors import PermanentError
from ftask.core.manifest import EXPERIMENT, Manifest
from ftask.core.model import Status, Task
from ftask.tasks import current, task
from ftask.tasks.declaration import fresh_registry
from ftask.tasks.manifest import build_manifest

BACKOFF = (30, 45)
MAX_ATTEMPTS = 4


with fresh_registry() as REGISTRY:

    @task(max_attempts=MAX_ATTEMPTS)
    def convert(day: date) -> str:
        """Return its argument, which only a date can be: that the API leaves to the worker."""
        return day.isoformat()

    @task(max_attempts=MAX_ATTEMPTS, backoff=BACKOFF)
    def flaky(**arguments: Any) -> dict[str, Any]:
        """Fail twice, then succeed."""
        if current().attempt < 3:
            raise ValueError("not yet")
        return arguments

    @task(every="1m")
    def report() -> None:
        """Be skipped while it runs."""

    @task(every="1m", overlap="queue")
    def sync() -> None:
        """Wait while it runs."""

    @task(every="1m")
    def doomed() -> None:
        """Fail until it is redriven."""
        if current().epoch == 0:
            raise PermanentError("not in this life")


# The experiment stays the default, so that the stories without a type are about the protocol alone.
MANIFEST = Manifest((*build_manifest(REGISTRY).types, replace(EXPERIMENT, is_default=True)))


def wrongs_of_unconvertible(item: Task) -> list[str]:
    """What is wrong with an ended task of `convert` whose payload cannot be converted."""
    error = item.last_error.type if item.last_error else None
    failures = [attempt for attempt in item.history if attempt.outcome == "FAILED"]
    return [
        text
        for text, wrong in (
            (f"failed with {error}, not InvalidPayload", error != "InvalidPayload"),
            ("was retried though no retry can help", len(failures) != 1 or item.status is not Status.FAILED),
            (f"has {item.max_attempts} attempts, not those of its type", item.max_attempts != MAX_ATTEMPTS),
        )
        if wrong
    ]


def wrongs_of_flaky(item: Task) -> list[str]:
    """What is wrong with an ended task of `flaky`."""
    delays = {attempt.number: attempt.backoff_seconds for attempt in item.history if attempt.outcome == "FAILED"}
    expected = {number: float(min(BACKOFF[1], BACKOFF[0] * 2 ** (number - 1))) for number in delays}
    return [f"waited {delays}, not {expected}"] if delays != expected else []
