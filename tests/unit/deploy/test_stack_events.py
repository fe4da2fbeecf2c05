from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import ClientError

from ftask.aws.target import Target
from ftask.deploy.stack_events import STACK_TYPE, StackEvent, follow, remedy, root_cause
from tests.support.clock import VirtualTime


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


def test_a_region_that_takes_no_half_hour_says_how_much_it_takes() -> None:
    reason = (
        "Resource handler returned message: \"1 validation error detected: Value '1800' at 'timeout' failed to satisfy "
        'constraint: Member must have value less than or equal to 900 (Service: Lambda, Status Code: 400)"'
    )
    advice = remedy(reason, "xx-west-1")
    assert advice == "Lambda in xx-west-1 takes at most 900 s. Deploy with: --param WorkerTimeout=900"


def test_a_log_group_that_is_left_is_named_as_cloudformation_words_it() -> None:
    reason = (
        "Resource handler returned message: \"Resource of type 'AWS::Logs::LogGroup' with identifier "
        '\'{"/properties/LogGroupName":"/aws/lambda/ftask-prod-worker"}\' already exists.'
    )
    advice = remedy(reason, "eu-west-1")
    assert "--log-group-name /aws/lambda/ftask-prod-worker --region eu-west-1" in str(advice)
    assert remedy("Table already exists", "eu-west-1") is None


class Stream:
    """A CloudFormation whose events and statuses come in this order; the last round is shown for ever."""

    def __init__(self, *rounds: tuple[str, Sequence[tuple[str, str, str | None]]]) -> None:
        self.rounds = list(rounds)
        self.time = VirtualTime()

    @property
    def _round(self) -> tuple[str, Sequence[tuple[str, str, str | None]]]:
        return self.rounds[min(len(self.time.pauses), len(self.rounds) - 1)]

    def describe_stacks(self, **_: Any) -> Any:
        return {"Stacks": [{"StackStatus": self._round[0]}]}

    def get_paginator(self, _: str) -> Any:
        def paginate(**_: Any) -> Iterator[Any]:
            events = [
                {
                    "EventId": f"{logical_id} {status}",
                    "Timestamp": datetime.now(UTC),
                    "LogicalResourceId": logical_id,
                    "ResourceType": STACK_TYPE if logical_id == "ftask-prod" else "AWS::SQS::Queue",
                    "ResourceStatus": status,
                    **({} if token is None else {"ClientRequestToken": token}),
                }
                for logical_id, status, token in self._round[1]
            ]
            yield {"StackEvents": events[::-1]}

        return SimpleNamespace(paginate=paginate)

    def followed(self) -> list[tuple[str, str]]:
        target = Target("prod", region="eu-west-1")
        vars(target)["cloudformation"] = self
        return [(event.logical_id, event.status) for event in follow(target, "id", "ours", self.time.sleep)]


EARLIER = [("ftask-prod", "CREATE_IN_PROGRESS", "theirs"), ("ftask-prod", "CREATE_COMPLETE", "theirs")]


def test_events_of_another_operation_are_left_out() -> None:
    ours = [("ftask-prod", "UPDATE_IN_PROGRESS", "ours"), ("ftask-prod", "UPDATE_COMPLETE", "ours")]
    assert Stream(("UPDATE_COMPLETE", [*EARLIER, *ours])).followed() == [event[:2] for event in ours]


def test_an_operation_without_tokens_ends_with_the_status_of_the_stack() -> None:
    earlier = [(name, status, None) for name, status, _ in EARLIER]
    ours = [
        ("ftask-prod", "UPDATE_IN_PROGRESS", None),
        ("Queue", "UPDATE_FAILED", None),
        ("ftask-prod", "UPDATE_ROLLBACK_COMPLETE", None),
    ]
    stream = Stream(
        # A status that is a moment behind ends nothing.
        *[("CREATE_COMPLETE", earlier)] * 5,
        *[("UPDATE_IN_PROGRESS", [*earlier, *ours[:2]])] * 100,
        ("UPDATE_ROLLBACK_COMPLETE", [*earlier, *ours]),
    )
    # All of the operation's events, so that its root cause can be named.
    assert stream.followed() == [event[:2] for event in ours]
    assert len(stream.time.pauses) < 130


def test_a_deletion_ends_where_the_endpoint_forgets_the_stack() -> None:
    class Forgetful(Stream):
        def describe_stacks(self, **_: Any) -> Any:
            details: Any = {"Error": {"Code": "ValidationError", "Message": "Stack with id id does not exist"}}
            raise ClientError(details, "DescribeStacks")

        def get_paginator(self, _: str) -> Any:
            return SimpleNamespace(paginate=self.describe_stacks)

    assert Forgetful(("", [])).followed() == [("ftask-prod", "DELETE_COMPLETE")]


def test_a_change_set_that_is_never_run_ends_the_following() -> None:
    assert Stream(("REVIEW_IN_PROGRESS", [])).followed() == [("ftask-prod", "REVIEW_IN_PROGRESS")]
