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
from ftask.core.text import printable
from ftask.deploy import events, parameters
from ftask.deploy.artifacts import StoredArchive

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import ChangeTypeDef, DescribeChangeSetOutputTypeDef

PLANNING_SECONDS = 300.0
# What holds tasks and messages. Logs are kept by their retention, and a new group takes their place.
DATA_TYPES = frozenset({"AWS::DynamoDB::Table", "AWS::SQS::Queue"})
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

    @property
    def loses_data(self) -> bool:
        """Whether tasks or messages may be out of reach afterwards, even where the old resource is retained."""
        goes = self.action == "Remove" or self.replacement in ("True", "Conditional")
        return goes and self.resource_type in DATA_TYPES


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
    tags: Mapping[str, str] | None = None,
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
            events.await_idle(target, stack_id, sleep)
            existing = status = None
        if status is not None and status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS":
            raise _running_already(target, status)
        if status == "UPDATE_ROLLBACK_FAILED":
            # CloudFormation wants to be told to go on; what it could not undo then is said by its events.
            target.cloudformation.continue_update_rollback(StackName=target.stack_name)
            events.await_idle(target, stack_id, sleep)
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
            # CloudFormation puts them on every resource that can have any.
            Tags=[{"Key": name, "Value": value} for name, value in (tags or {}).items()],
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


def refuse_data_loss(plan: Plan) -> None:
    """Fail where running `plan` would replace or remove what holds tasks or messages.

    Raises:
        FtaskError: it would.
    """
    lost = [change.logical_id for change in plan.changes if change.loses_data]
    if lost:
        raise FtaskError(
            f"This would replace or remove {', '.join(lost)}, with the tasks or messages in it; nothing was changed.",
            "If that is meant, run it again with --allow-data-loss.",
        )


def _running_already(target: Target, status: str) -> FtaskError:
    """The refusal of a second deployment, with who runs the first as far as CloudFormation says."""
    newest = target.cloudformation.describe_stack_events(StackName=target.stack_name)["StackEvents"]
    # The operation's first event says when it began, and its reason who asked for it.
    begun = next(
        (
            event
            for event in newest
            if event.get("ResourceType") == "AWS::CloudFormation::Stack"
            and event.get("ResourceStatusReason") == "User Initiated"
        ),
        newest[0] if newest else None,
    )
    since = "" if begun is None else f", since {begun['Timestamp'].astimezone():%H:%M:%S}"
    token = begun.get("ClientRequestToken", "") if begun is not None else ""
    who = f" ({printable(token, 64)})" if token else ""
    return FtaskError(
        f"Stack {target.stack_name} is {status}{since}: another deployment is running{who}.",
        "Wait until it has ended and run the command again, or stop it with:"
        f" aws cloudformation cancel-update-stack --stack-name {target.stack_name}",
    )


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
