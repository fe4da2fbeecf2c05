"""Wait until the deployed API answers: its name, its routes and its permissions take some seconds to be everywhere.

AWS does not document how long; others have met it: https://github.com/hashicorp/terraform/issues/14970
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ftask.aws.api import ApiClient
from ftask.aws.concurrency import rounds
from ftask.aws.target import Target
from ftask.client.errors import ApiError
from ftask.core.errors import FtaskError

# An emulator is one process, and has what was deployed at once.
AWS_PATIENCE_SECONDS = 60.0
EMULATOR_PATIENCE_SECONDS = 2.0


def await_api(
    target: Target,
    url: str,
    *,
    tokens: bool,
    note: Callable[[str], None] = lambda line: None,
    ask: Callable[[], object] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> FtaskError | None:
    """Ask the API at `url` for its document until it answers; return its last refusal if its patience is over first.

    With `tokens`, the API takes bearer tokens, so a request without one is answered with 401. `note` is called once to
    say that this waits. `ask` sends one request.
    """
    ask = ask or _client(target, url).document
    patience_seconds = target.choose(aws=AWS_PATIENCE_SECONDS, emulator=EMULATOR_PATIENCE_SECONDS)
    refusal: FtaskError | None = None
    for _ in rounds(target.choose(aws=1.0, emulator=0.1), patience_seconds, sleep=sleep, clock=clock):
        try:
            ask()
        except ApiError as error:
            if not _may_pass(error.status, tokens=tokens):
                return None
            latest: FtaskError = error
        except FtaskError as error:  # no connection, or somebody else's answer
            latest = error
        else:
            return None
        if refusal is None:
            note("Waiting until the API answers.")
        refusal = latest
    return refusal


def _client(target: Target, url: str) -> ApiClient:
    once = threading.Event()
    once.set()  # the rounds here are the only repetition
    return ApiClient(target, url, stopping=once)


def _may_pass(status: int, *, tokens: bool) -> bool:
    """Whether the status may come from a deployment that is not everywhere yet, and not from the API as deployed."""
    return status in (403, 404) or status >= 500 or (status == 401 and not tokens)
