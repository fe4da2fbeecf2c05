"""Stack events as CloudFormation reports them, and the root cause when an operation fails."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ftask.aws.polling import rounds
from ftask.aws.target import Target

AWS_POLL_SECONDS = 2.0
EMULATOR_POLL_SECONDS = 0.1
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
    """Yield the events of the operation that was started with this request token, each once, until it ends."""
    seen: set[str] = set()
    for _ in rounds(poll_seconds(target), sleep=sleep):
        fresh = [event for event in _recent(target, stack_id, token) if event.event_id not in seen]
        for event in fresh:
            seen.add(event.event_id)
            yield event
            if event.of_stack and _terminal(event.status):
                return


def await_idle(target: Target, stack_id: str, sleep: Callable[[float], None] = time.sleep) -> None:
    """Wait until no operation runs on the stack, however the last one ended.

    Name the stack by its id: CloudFormation knows a deleted one by that alone.
    """
    for _ in rounds(poll_seconds(target), sleep=sleep):
        status = target.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        if not status.endswith("_IN_PROGRESS"):
            return


def root_cause(events: Iterable[StackEvent]) -> StackEvent | None:
    """Return the first failure that does not follow from another one; None if nothing failed."""
    failures = [event for event in events if event.failed]
    for event in failures:
        if not event.of_stack and not (event.reason or "").startswith(_CONSEQUENCES):
            return event
    return failures[0] if failures else None


def poll_seconds(target: Target) -> float:
    """Return how long to wait between two looks: an emulator neither throttles nor takes minutes."""
    return target.choose(aws=AWS_POLL_SECONDS, emulator=EMULATOR_POLL_SECONDS)


def _recent(target: Target, stack_id: str, token: str) -> list[StackEvent]:
    """Return the operation's events so far, oldest first. CloudFormation lists the newest first."""
    events: list[StackEvent] = []
    for page in target.cloudformation.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            if event.get("ClientRequestToken") != token:
                # The newest event of another operation: all further ones are older than ours.
                if events:
                    return events[::-1]
                continue
            events.append(
                StackEvent(
                    event_id=event["EventId"],
                    at=event["Timestamp"],
                    logical_id=event.get("LogicalResourceId", ""),
                    resource_type=event.get("ResourceType", ""),
                    status=event.get("ResourceStatus", ""),
                    reason=event.get("ResourceStatusReason"),
                )
            )
    return events[::-1]


def _terminal(status: str) -> bool:
    return (
        status.endswith(("_COMPLETE", "_FAILED"))
        and "CLEANUP" not in status
        # A rollback follows these two.
        and status not in ("CREATE_FAILED", "UPDATE_FAILED")
    )
