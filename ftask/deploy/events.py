"""What CloudFormation is doing: stack events as they happen, and the root cause when it fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ftask.aws.target import Target

AWS_POLL_SECONDS = 2.0
EMULATOR_POLL_SECONDS = 0.1
_GOES_ON = "_IN_PROGRESS"
# Reasons that follow from another resource's failure.
_CONSEQUENCES = (
    "Resource creation cancelled",
    "Resource update cancelled",
    "The following resource(s) failed",
)


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
        return self.resource_type == "AWS::CloudFormation::Stack"

    @property
    def failed(self) -> bool:
        return self.status.endswith("_FAILED")


def follow(
    target: Target, stack_id: str, token: str, sleep: Callable[[float], None] = time.sleep
) -> Iterator[StackEvent]:
    """The events of the operation that was started with the request token `token`, each once, until it ends."""
    seen: set[str] = set()
    while True:
        fresh = [event for event in _recent(target, stack_id, token) if event.event_id not in seen]
        for event in fresh:
            seen.add(event.event_id)
            yield event
            if event.of_stack and _terminal(event.status):
                return
        sleep(poll_seconds(target))


def await_idle(target: Target, stack_id: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until nothing goes on with a stack, however it ended; one that is deleted is known by its id only."""
    while target.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"].endswith(_GOES_ON):
        sleep(poll_seconds(target))


def root_cause(events: Iterable[StackEvent]) -> StackEvent | None:
    """The first failure that is no consequence of another."""
    failures = [event for event in events if event.failed]
    for event in failures:
        if not event.of_stack and not (event.reason or "").startswith(_CONSEQUENCES):
            return event
    return failures[0] if failures else None


def poll_seconds(target: Target) -> float:
    # An emulator on this machine neither throttles nor takes minutes.
    return target.choose(aws=AWS_POLL_SECONDS, emulator=EMULATOR_POLL_SECONDS)


def _recent(target: Target, stack_id: str, token: str) -> list[StackEvent]:
    """The operation's events so far, oldest first. CloudFormation lists the newest first."""
    found: list[StackEvent] = []
    for page in target.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            if event.get("ClientRequestToken") != token:
                # The newest of another operation: everything further is older than ours.
                if found:
                    return found[::-1]
                continue
            found.append(
                StackEvent(
                    event_id=event["EventId"],
                    at=event["Timestamp"],
                    logical_id=event.get("LogicalResourceId", ""),
                    resource_type=event.get("ResourceType", ""),
                    status=event.get("ResourceStatus", ""),
                    reason=event.get("ResourceStatusReason"),
                )
            )
    return found[::-1]


def _terminal(status: str) -> bool:
    return (
        status.endswith(("_COMPLETE", "_FAILED"))
        and "CLEANUP" not in status
        # These announce a rollback that is still to come.
        and status not in ("CREATE_FAILED", "UPDATE_FAILED")
    )
