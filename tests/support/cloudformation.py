"""A CloudFormation that shows a stack in states that no emulator comes to, and remembers what was asked of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from ftask.aws.target import Target
from ftask.deploy.artifacts import CodeLocation
from ftask.deploy.plan import Plan, make_plan

DECLARED = {
    "CodeBucket": None,
    "WorkerTimeout": "20",
    "VisibilityTimeout": "30",
    "TaskBudgetSeconds": "10",
    "ErrorRate": "0.3",
}


class FakeStack:
    """A stack that shows one of `states` at each look, the last one for ever. `calls` are those that change something.

    `plans_of_others` is how many change sets of somebody else wait in it. With `refusal` its change sets fail for that
    reason, about which `validation` has the events.
    """

    def __init__(self, *states: str, changes: Sequence[Any] = (), deployed: Mapping[str, str] | None = None) -> None:
        self.states = list(states)
        self.changes = changes
        self.deployed = deployed or {}
        self.outputs: dict[str, str] = {}
        self.token = "token-of-another-tool"
        self.calls: list[str] = []
        self.plans_of_others = 0
        self.requested: dict[str, Any] = {}
        self.refusal: str | None = None
        self.validation: list[dict[str, str]] | Exception = []

    def describe_stacks(self, **_: Any) -> Any:
        status = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        parameters = [{"ParameterKey": name, "ParameterValue": value} for name, value in self.deployed.items()]
        outputs = [{"OutputKey": name, "OutputValue": value} for name, value in self.outputs.items()]
        return {"Stacks": [{"StackStatus": status, "StackId": "id", "Parameters": parameters, "Outputs": outputs}]}

    def describe_stack_events(self, **_: Any) -> Any:
        begun = {
            "ResourceType": "AWS::CloudFormation::Stack",
            "ResourceStatusReason": "User Initiated",
            "Timestamp": datetime(2026, 1, 1, 12, 0, tzinfo=UTC),
            "ClientRequestToken": self.token,
        }
        return {"StackEvents": [{"ResourceType": "AWS::SQS::Queue"}, begun]}

    def get_template_summary(self, **_: Any) -> Any:
        self.calls.append("get_template_summary")
        declared = DECLARED | dict(self.deployed)
        return {"Parameters": [{"ParameterKey": name, "DefaultValue": value} for name, value in declared.items()]}

    def create_change_set(self, **request: Any) -> Any:
        self.requested = request
        return {"Id": "set", "StackId": "id"}

    def describe_events(self, **_: Any) -> Any:
        self.calls.append("describe_events")
        if isinstance(self.validation, Exception):
            raise self.validation
        return {"OperationEvents": self.validation}

    def describe_change_set(self, **_: Any) -> Any:
        if self.refusal is not None:
            return {"Status": "FAILED", "StatusReason": self.refusal}
        return {"Status": "CREATE_COMPLETE", "Changes": [{"ResourceChange": change} for change in self.changes]}

    def list_change_sets(self, **_: Any) -> Any:
        return {"Summaries": [{}] * self.plans_of_others}

    def get_paginator(self, operation: str) -> Any:
        def paginate(**arguments: Any) -> Iterator[Any]:
            yield getattr(self, operation)(**arguments)

        return SimpleNamespace(paginate=paginate)

    def __getattr__(self, name: str) -> Any:
        def ask(**_: Any) -> Any:
            self.calls.append(name)
            return {}

        return ask


def target_of(stack: FakeStack, endpoint_url: str | None = None) -> Target:
    target = Target("prod", region="eu-west-1", endpoint_url=endpoint_url)
    vars(target)["cloudformation"] = stack  # where the cached client would be
    return target


def planned_on(stack: FakeStack, endpoint_url: str | None = None, template: str = "", **overrides: str) -> Plan:
    code = CodeLocation("b", "ftask-prod/h.zip", "ftask-prod/w.zip", "123456789012")
    return make_plan(target_of(stack, endpoint_url), template, code, overrides, sleep=lambda _: None)
