"""A stack that CloudFormation refuses to delete; and the role in whose name it works."""

from __future__ import annotations

from typing import Any

import pytest

from ftask.deploy import apply
from ftask.deploy.artifacts import CodeLocation
from ftask.deploy.deployment import Deployment
from ftask.deploy.plan import make_plan
from tests.support.cloudformation import FakeStack, target_of

ROLE = "arn:aws:iam::123456789012:role/cloudformation"


class ProtectableStack(FakeStack):
    """One that is deleted only without termination protection, as on AWS."""

    is_protected = False

    def update_termination_protection(self, **request: Any) -> Any:
        self.calls.append("update_termination_protection")
        self.is_protected = request["EnableTerminationProtection"]
        return {}

    def describe_stacks(self, **request: Any) -> Any:
        described = super().describe_stacks(**request)
        described["Stacks"][0]["EnableTerminationProtection"] = self.is_protected
        return described

    def list_stack_resources(self, **_: Any) -> Any:
        return {"StackResourceSummaries": []}

    def describe_stack_events(self, **_: Any) -> Any:
        return {"StackEvents": []}

    def delete_stack(self, **_: Any) -> Any:
        assert not self.is_protected
        self.calls.append("delete_stack")
        self.states = ["DELETE_COMPLETE"]
        return {}


def test_the_stack_of_a_protected_stage_is_deleted_by_a_removal_alone() -> None:
    stack = ProtectableStack("UPDATE_COMPLETE")
    target = target_of(stack)
    Deployment(target, {}, protected=True).protect()
    with pytest.raises(AssertionError):
        target.cloudformation.delete_stack(StackName=target.stack_name)
    removal = apply.prepare_removal(target)
    assert removal.is_protected
    list(apply.remove(target, removal, sleep=lambda _: None))
    assert stack.calls == ["update_termination_protection"] * 2 + ["delete_stack"]


def test_a_deployment_of_a_stage_that_is_not_protected_leaves_the_protection_as_it_is() -> None:
    stack = ProtectableStack("UPDATE_COMPLETE")
    Deployment(target_of(stack), {}).protect()
    assert stack.calls == []


def test_cloudformation_works_in_the_name_of_the_service_role_and_otherwise_of_the_caller() -> None:
    code = CodeLocation("b", "ftask-prod/h.zip", "ftask-prod/w.zip", "123456789012")
    for role_arn, asked in ((ROLE, {"RoleARN": ROLE}), (None, {})):
        stack = FakeStack("UPDATE_COMPLETE")
        make_plan(target_of(stack), "", code, {}, role_arn=role_arn, sleep=lambda _: None)
        assert {name: value for name, value in stack.requested.items() if name == "RoleARN"} == asked
