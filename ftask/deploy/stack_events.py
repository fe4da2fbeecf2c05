"""Stack events as CloudFormation reports them, and the root cause when an operation fails."""

from __future__ import annotations

import getpass
import re
import socket
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from ftask.aws.concurrency import rounds
from ftask.aws.stack import is_missing_stack
from ftask.aws.target import Target
from ftask.core.timestamps import now

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import StackEventTypeDef

STACK_TYPE = "AWS::CloudFormation::Stack"
AWS_POLL_SECONDS = 2.0
EMULATOR_POLL_SECONDS = 0.1
# So many rounds in a row without an event and without an operation on the stack end the following. Not one alone: a
# status may be a moment behind, and the last event too.
QUIET_ROUNDS = 15
_BEGINNINGS = frozenset({"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS"})
# Reasons that follow from another resource's failure.
_CONSEQUENCES = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "The following resource(s) failed",
)
_LOG_GROUP = re.compile(r"/aws/(?:lambda|vendedlogs)/[\w-]+")
# CloudFormation takes tokens of 128 letters, digits and hyphens.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
_MAX_NAME_CHARACTERS = 60
_TOKEN = re.compile(r"ftask-(.+)-[0-9a-f]{32}")
_LONGEST_TIMEOUT = re.compile(r"at 'timeout' failed to satisfy constraint: .*less than or equal to (\d+)")


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One event of a stack."""

    event_id: str
    at: datetime
    logical_id: str
    resource_type: str
    status: str
    reason: str | None

    @property
    def of_stack(self) -> bool:
        return self.resource_type == STACK_TYPE

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")


def new_token() -> str:
    """Return a new request token, which CloudFormation keeps with each event; it names the user and the machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # in a container the user may have no name
        user = "somebody"
    name = re.sub(r"[^A-Za-z0-9]+", "-", f"{user} at {socket.gethostname()}").strip("-")[:_MAX_NAME_CHARACTERS]
    return f"ftask-{name}-{uuid.uuid4().hex}"


def author(token: str) -> str | None:
    """Return who made the request with this token; None if it was not ftask."""
    match = _TOKEN.fullmatch(token)
    return match[1] if match else None


def follow(
    target: Target, stack_id: str, token: str, sleep: Callable[[float], None] = time.sleep
) -> Iterator[StackEvent]:
    """Yield the events of the operation that was started with this request token, each once, until it ends.

    The last one is the stack's own, with its final status. An endpoint may leave the token out of its events; then they
    come all at once, when the status of the stack says that the operation has ended.
    """
    seen: set[str] = set()
    quiet_rounds = 0
    for _ in rounds(poll_seconds(target), sleep=sleep):
        fresh = [event for event in _recent(target, stack_id, token) if event.event_id not in seen]
        for event in fresh:
            seen.add(event.event_id)
            yield event
            if event.of_stack and _terminal(event.status):
                return
        running = bool(fresh) or _runs(status := _status(target, stack_id))
        quiet_rounds = 0 if running else quiet_rounds + 1
        if quiet_rounds == QUIET_ROUNDS:
            events = _last_operation(target, stack_id)
            if not events or not (events[-1].of_stack and events[-1].status == status):
                events.append(StackEvent("", now(), target.stack_name, STACK_TYPE, status, None))
            yield from (event for event in events if event.event_id not in seen)
            return


def await_idle(target: Target, stack_id: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until no operation runs on the stack, however the last one ended.

    Name the stack by its id: CloudFormation knows a deleted one by that alone.
    """
    for _ in rounds(poll_seconds(target), sleep=sleep):
        if not _status(target, stack_id).endswith("_IN_PROGRESS"):
            return


def root_cause(events: Iterable[StackEvent]) -> StackEvent | None:
    """Return the first failure that does not follow from another one; None if nothing failed."""
    failures = [event for event in events if event.failed]
    for event in failures:
        if not event.of_stack and not (event.reason or "").startswith(_CONSEQUENCES):
            return event
    return failures[0] if failures else None


def remedy(reason: str, region: str) -> str | None:
    """Return what to do about a failure that a stage meets without a mistake of its own; None for any other."""
    group = _LOG_GROUP.search(reason)
    if group is not None and "already exists" in reason:
        return (
            "The log group is left from an earlier stage of this name. Delete it with its logs, and deploy again:"
            f" aws logs delete-log-group --log-group-name {group[0]} --region {region}"
        )
    if longest := _LONGEST_TIMEOUT.search(reason):
        return f"Lambda in {region} takes at most {longest[1]} s. Deploy with: --param WorkerTimeout={longest[1]}"
    return None


def poll_seconds(target: Target) -> float:
    """Return how long to wait between two looks: an emulator neither throttles nor takes minutes."""
    return target.choose(aws=AWS_POLL_SECONDS, emulator=EMULATOR_POLL_SECONDS)


def _recent(target: Target, stack_id: str, token: str) -> list[StackEvent]:
    """Return the operation's events so far, oldest first."""
    events: list[StackEvent] = []
    for event in _newest_first(target, stack_id):
        if event.get("ClientRequestToken") == token:
            events.append(_stack_event(event))
        elif events:
            # The newest event of another operation: all further ones are older than ours.
            break
    return events[::-1]


def _last_operation(target: Target, stack_id: str) -> list[StackEvent]:
    """Return the events of the stack's last operation, whoever started it, oldest first."""
    events: list[StackEvent] = []
    for event in map(_stack_event, _newest_first(target, stack_id)):
        events.append(event)
        if event.of_stack and event.status in _BEGINNINGS:
            break
    return events[::-1]


def _newest_first(target: Target, stack_id: str) -> Iterator[StackEventTypeDef]:
    """Yield the stack's events as CloudFormation lists them; none if the endpoint has forgotten the deleted stack."""
    try:
        for page in target.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
            yield from page["StackEvents"]
    except ClientError as error:
        if not is_missing_stack(error):
            raise


def _stack_event(event: StackEventTypeDef) -> StackEvent:
    return StackEvent(
        event_id=event["EventId"],
        at=event["Timestamp"],
        logical_id=event.get("LogicalResourceId", ""),
        resource_type=event.get("ResourceType", ""),
        status=event.get("ResourceStatus", ""),
        reason=event.get("ResourceStatusReason"),
    )


def _status(target: Target, stack_id: str) -> str:
    """Return the stack's status. A deleted stack keeps its id on AWS; an emulator may forget it."""
    try:
        return target.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
    except ClientError as error:
        if not is_missing_stack(error):
            raise
        return "DELETE_COMPLETE"


def _runs(status: str) -> bool:
    # In REVIEW_IN_PROGRESS a stack waits for its first change set to be run.
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"


def _terminal(status: str) -> bool:
    return (
        status.endswith(("_COMPLETE", "_FAILED"))
        and "CLEANUP" not in status
        # A rollback follows these two.
        and status not in ("CREATE_FAILED", "UPDATE_FAILED")
    )
