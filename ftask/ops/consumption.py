"""Pause and resume: the event source mapping between queue and worker, disabled and enabled.

While it is disabled messages wait in the queue, for up to 14 days; nothing is lost and no attempt is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from botocore.exceptions import ClientError

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError

ENABLED = "Enabled"
DISABLED = "Disabled"
# Lambda takes up to a minute or so to change a mapping.
_PATIENCE_SECONDS = 180
_POLL_SECONDS = 0.5


def state(stage: Stage) -> str:
    """The mapping's state, as Lambda calls it: Enabled, Disabled, Enabling, Disabling, Updating, …"""
    with translate_aws_errors():
        return stage.target.lambda_.get_event_source_mapping(UUID=stage.outputs.worker_source).get("State", "unknown")


def switch(
    stage: Stage,
    *,
    enabled: bool,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Enable or disable consumption, and wait until it is so; False if it was so already.

    Raises:
        FtaskError: Lambda did not carry it out in time.
    """
    wanted = ENABLED if enabled else DISABLED
    if state(stage) == wanted:
        return False
    deadline = clock() + _PATIENCE_SECONDS
    asked = False
    while True:
        if not asked:
            with translate_aws_errors():
                asked = _ask(stage, enabled=enabled)
        now = state(stage)
        if now == wanted:
            return True
        if clock() > deadline:
            raise FtaskError(
                f"The worker's event source mapping is still {now} after {_PATIENCE_SECONDS} s.",
                "Look again with ftask info, and repeat the command.",
            )
        sleep(_POLL_SECONDS)


def in_flight(stage: Stage, sleep: Callable[[float], None] = time.sleep) -> Iterator[int]:
    """How many messages are in flight, again and again until none is: running, or waiting for their backoff."""
    while True:
        _, number = stage.counts(stage.outputs.queue_url)
        yield number
        if not number:
            return
        sleep(_POLL_SECONDS)


def _ask(stage: Stage, *, enabled: bool) -> bool:
    """Ask Lambda for the change; False while the mapping is in the middle of another one."""
    try:
        stage.target.lambda_.update_event_source_mapping(UUID=stage.outputs.worker_source, Enabled=enabled)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") == "ResourceInUseException":
            return False
        raise
    return True
