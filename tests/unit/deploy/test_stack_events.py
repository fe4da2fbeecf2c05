from __future__ import annotations

from datetime import UTC, datetime

from ftask.deploy.events import StackEvent, root_cause


def event(logical_id: str, status: str, reason: str | None = None, kind: str = "AWS::SQS::Queue") -> StackEvent:
    return StackEvent(logical_id, datetime.now(UTC), logical_id, kind, status, reason)


def test_the_root_cause_is_the_first_failure_that_follows_from_no_other() -> None:
    events = [
        event("Table", "CREATE_FAILED", "Resource creation cancelled"),
        event("Queue", "CREATE_FAILED", "the limit of queues is reached"),
        event("ftask-x", "ROLLBACK_IN_PROGRESS", "The following resource(s) failed", "AWS::CloudFormation::Stack"),
    ]
    cause = root_cause(events)
    assert cause is not None
    assert cause.logical_id == "Queue"


def test_a_stack_that_failed_by_itself_is_its_own_cause() -> None:
    cause = root_cause([event("ftask-x", "UPDATE_FAILED", "no capability", "AWS::CloudFormation::Stack")])
    assert cause is not None
    assert cause.reason == "no capability"
