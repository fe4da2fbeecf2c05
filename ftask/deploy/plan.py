"""The plan: a change set that CloudFormation has computed and nobody has run."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ftask.aws import stack
from ftask.aws.target import Target, explained
from ftask.core.errors import FtaskError
from ftask.deploy import events, parameters
from ftask.deploy.artifacts import StoredArchive

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ChangeTypeDef, DescribeChangeSetOutputTypeDef

PLANNING_SECONDS = 300.0
# How CloudFormation says, by a failed change set, that there is nothing to change.
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource. `properties` are the changed ones, where CloudFormation names them."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str | None
    properties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A computed change set; without `changes` there is nothing to run."""

    stack_name: str
    stack_id: str
    change_set_id: str
    creates_stack: bool
    changes: tuple[Change, ...]
    parameters: Mapping[str, str]
    code_sha256: str


def make_plan(
    target: Target,
    template: str,
    code: StoredArchive,
    overrides: Mapping[str, str],
    sleep: Callable[[float], None] = time.sleep,
) -> Plan:
    """Let CloudFormation compute what deploying `template` would change.

    Raises:
        FtaskError: the parameters are wrong, or the stack is in no state to be changed.
    """
    with explained():
        existing = stack.describe(target)
        status = existing["StackStatus"] if existing else None
        stack_id = existing["StackId"] if existing else target.stack_name
        if status == "ROLLBACK_COMPLETE":
            # A first deployment that failed left an empty shell, which can only be deleted.
            target.cloudformation.delete_stack(StackName=target.stack_name)
            events.await_gone(target, stack_id, sleep)
            existing = status = None
        if status is not None and status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            raise FtaskError(
                f"Stack {target.stack_name} is {status}: another deployment is running.",
                "Wait until it has ended and run the command again.",
            )
        creates = existing is None or status == "REVIEW_IN_PROGRESS"
        deployed = [] if existing is None or creates else existing.get("Parameters", [])
        current = {entry["ParameterKey"]: entry["ParameterValue"] for entry in deployed}
        summary = target.cloudformation.get_template_summary(TemplateBody=template)
        declared = [
            parameters.Declared(entry["ParameterKey"], entry.get("DefaultValue"))
            for entry in summary.get("Parameters", [])
        ]
        values = parameters.resolve(declared, current, overrides)
        token = uuid.uuid4().hex
        complete = values | {"CodeBucket": code.bucket, "CodeKey": code.key}
        answer = target.cloudformation.create_change_set(
            StackName=target.stack_name,
            ChangeSetName=f"ftask-{token}",
            ClientToken=token,
            ChangeSetType="CREATE" if creates else "UPDATE",
            TemplateBody=template,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in complete.items()],
            Capabilities=["CAPABILITY_IAM"],
        )
        described = _await_computed(target, answer["Id"], sleep)
    plan = Plan(
        stack_name=target.stack_name,
        stack_id=answer["StackId"],
        change_set_id=answer["Id"],
        creates_stack=creates,
        changes=tuple(_change(change) for change in described.get("Changes", [])),
        parameters=values,
        code_sha256=code.sha256,
    )
    if described["Status"] == "FAILED":
        reason = described.get("StatusReason", "no reason given")
        discard_plan(target, plan)
        if not any(phrase in reason for phrase in _NOTHING_TO_DO):
            raise FtaskError(f"CloudFormation cannot plan this deployment: {reason}")
    return plan


def discard_plan(target: Target, plan: Plan) -> None:
    """Delete the change set, and the empty stack that planning a first deployment leaves."""
    with explained():
        target.cloudformation.delete_change_set(ChangeSetName=plan.change_set_id)
        if plan.creates_stack:
            target.cloudformation.delete_stack(StackName=plan.stack_id)


def _await_computed(
    target: Target, change_set_id: str, sleep: Callable[[float], None]
) -> DescribeChangeSetOutputTypeDef:
    pause_seconds, waited = 0.1, 0.0
    while True:
        described = target.cloudformation.describe_change_set(ChangeSetName=change_set_id, IncludePropertyValues=False)
        if described["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        if waited > PLANNING_SECONDS:
            raise FtaskError("CloudFormation has not computed the change set in five minutes.", "Try again.")
        sleep(pause_seconds)
        waited += pause_seconds
        pause_seconds = min(2 * pause_seconds, 2.0)
    token = described.get("NextToken")
    while token:
        page = target.cloudformation.describe_change_set(ChangeSetName=change_set_id, NextToken=token)
        described["Changes"] += page["Changes"]
        token = page.get("NextToken")
    return described


def _change(change: ChangeTypeDef) -> Change:
    resource = change["ResourceChange"]
    names = {
        detail["Target"].get("Name") or detail["Target"].get("Attribute", "") for detail in resource.get("Details", [])
    }
    return Change(
        action=resource["Action"],
        logical_id=resource["LogicalResourceId"],
        resource_type=resource["ResourceType"],
        replacement=resource.get("Replacement"),
        properties=tuple(sorted(filter(None, names))),
    )
