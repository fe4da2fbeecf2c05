"""Pause and resume: disable and enable the event source mapping between queue and worker.

While it is disabled, messages wait in the queue, for up to 14 days; no task is lost and no attempt is used.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ftask.aws.concurrency import rounds
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import command_on
from ftask.aws.stage import Stage
from ftask.core.errors import FtaskError
from ftask.core.item import item_to_task
from ftask.core.model import Status
from ftask.core.timestamps import now
from ftask.selection.filter import TaskFilter
from ftask.selection.scan import scan_tasks

if TYPE_CHECKING:
    from types_boto3_lambda.type_defs import EventSourceMappingConfigurationResponseTypeDef

ENABLED = "Enabled"
DISABLED = "Disabled"
# Not one of Lambda's states: somebody deleted the mapping.
MISSING = "Missing"
# Lambda takes up to a minute or so to change a mapping.
_TIMEOUT_SECONDS = 180
_POLL_SECONDS = 0.5
# Between two looks whether an attempt still runs, on the local engine.
_ATTEMPTS_POLL_SECONDS = 0.2
# What an invocation takes longer than the worker's timeout to be gone.
_INVOCATION_MARGIN_SECONDS = 5
_RETRYING = TaskFilter(statuses=(Status.RETRYING,))


def state(stage: Stage) -> str:
    """Return the mapping's state, as Lambda calls it: Enabled, Disabled, Enabling, Updating, …; MISSING without one."""
    current = mapping(stage)
    return MISSING if current is None else current.get("State", "unknown")


def mapping(stage: Stage) -> EventSourceMappingConfigurationResponseTypeDef | None:
    """Return the event source mapping as Lambda has it; None if somebody deleted it."""
    with translate_aws_errors():
        try:
            return stage.target.lambda_.get_event_source_mapping(UUID=stage.outputs.worker_source)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceNotFoundException":
                return None
            raise


def why_no_task_runs(stage: Stage, mapping_state: str) -> str | None:
    """Return why tasks wait in the queue, and what to do about it.

    None if the worker can take and run them, or these credentials may not ask it.
    """
    if mapping_state == MISSING:
        return " ".join(_missing(stage))
    if mapping_state == DISABLED:
        resume = command_on(stage.target, "resume")
        return f"Stage {stage.target.stage_name} is paused: no task runs. Let them run with: {resume}"
    try:
        return stage.check_worker().problem(stage.target)
    except FtaskError:
        return None


def _missing(stage: Stage) -> tuple[str, str]:
    return (
        "The worker's event source mapping is gone: somebody deleted it, and no task runs.",
        f"Recreate it with: {command_on(stage.target, 'doctor --fix')}",
    )


def switch(
    stage: Stage,
    *,
    enabled: bool,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> bool:
    """Enable or disable consumption and wait until Lambda has done so; False if nothing had to change.

    Raises:
        FtaskError: the mapping is missing, or Lambda did not finish the change in time.
    """
    wanted_state = ENABLED if enabled else DISABLED
    current_state = state(stage)
    if current_state == wanted_state:
        return False
    if current_state == MISSING:
        raise FtaskError(*_missing(stage))
    accepted = False
    for _ in rounds(_POLL_SECONDS, _TIMEOUT_SECONDS, clock=clock, sleep=sleep):
        if not accepted:
            accepted = _request(stage, enabled=enabled)
        current_state = state(stage)
        if current_state == wanted_state:
            return True
    raise FtaskError(
        f"The worker's event source mapping is still {current_state} after {_TIMEOUT_SECONDS} s.",
        f"Run the command again; see how the change stands with: {command_on(stage.target, 'info')}",
    )


def in_flight(stage: Stage, sleep: Callable[[float], None] = time.sleep) -> Iterator[int]:
    """Yield how many messages are in flight, again and again until none is: they run, or wait for their backoff."""
    for _ in rounds(_POLL_SECONDS, sleep=sleep):
        number = stage.queue_depth().in_flight
        yield number
        if not number:
            return


@contextmanager
def while_no_attempt_runs(
    stage: Stage,
    waiting: Callable[[int], None] = lambda attempts: None,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """Pause consumption, wait until the attempts that run have ended, run the block, and resume.

    Consumption that was paused before stays paused. The wait ends at the worker's timeout, after which no invocation
    can be alive. `waiting` is called again and again with the number of attempts that still run.
    """
    was_consuming = switch(stage, enabled=False, clock=clock, sleep=sleep)
    try:
        longest = int(stage.stack.parameters["WorkerTimeout"]) + _INVOCATION_MARGIN_SECONDS
        for _ in rounds(_ATTEMPTS_POLL_SECONDS, longest, clock=clock, sleep=sleep):
            if not (attempts := _running_attempts(stage)):
                break
            waiting(attempts)
        yield
    finally:
        if was_consuming:
            switch(stage, enabled=True, clock=clock, sleep=sleep)


def _running_attempts(stage: Stage) -> int:
    """Return how many messages are with a worker: those in flight that do not wait for their backoff."""
    in_flight = stage.queue_depth().in_flight
    if not in_flight:
        return 0  # mostly, and without reading the table
    retrying = (item_to_task(item) for page in scan_tasks(stage, _RETRYING) for item in page.items)
    moment = now()
    return max(0, in_flight - sum(task.next_attempt_at is None or task.next_attempt_at > moment for task in retrying))


def _request(stage: Stage, *, enabled: bool) -> bool:
    """Request the change from Lambda; False while the mapping is in the middle of another one."""
    with translate_aws_errors():
        try:
            stage.target.lambda_.update_event_source_mapping(UUID=stage.outputs.worker_source, Enabled=enabled)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ResourceInUseException":
                return False
            raise
    return True
