"""The plan: a change set that CloudFormation has computed and nobody has run."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ftask.aws import stack
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import DATA_ONLY, OWN_PARAMETERS
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy import parameters
from ftask.deploy.artifacts import StoredArchive
from ftask.deploy.existing import prepare_stack
from ftask.deploy.tokens import new_token

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import (
        ChangeTypeDef,
        DescribeChangeSetOutputTypeDef,
        ResourceChangeDetailTypeDef,
    )

PLANNING_SECONDS = 300.0
# What holds tasks and messages. Logs are kept by their retention, and a new group takes their place.
DATA_TYPES = frozenset({"AWS::DynamoDB::Table", "AWS::SQS::Queue"})
# How CloudFormation says, by a failed change set, that there is nothing to change.
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


@dataclass(frozen=True, slots=True)
class PropertyChange:
    """A property that changes, with its values where CloudFormation knows them beforehand; an emulator may not."""

    name: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """What happens to one resource. `properties` are the changed ones, where CloudFormation names them."""

    action: str
    logical_id: str
    resource_type: str
    replacement: str | None
    properties: tuple[PropertyChange, ...]

    @property
    def loses_data(self) -> bool:
        """Whether tasks or messages may be out of reach afterwards, even where the old resource is retained."""
        goes = self.action == "Remove" or self.replacement in ("True", "Conditional")
        return goes and self.resource_type in DATA_TYPES


@dataclass(frozen=True, slots=True)
class Plan:
    """A computed change set; without `changes` there is nothing to run.

    `parameters` are the stack's afterwards, `deployed` those of now: none where the stack is still to be created.
    """

    stack_name: str
    stack_id: str
    change_set_id: str
    creates_stack: bool
    changes: tuple[Change, ...]
    parameters: Mapping[str, str]
    deployed: Mapping[str, str]
    code_sha256: str

    @property
    def changed_parameters(self) -> dict[str, tuple[str | None, str]]:
        """The parameters of a deployed stack that get another value, with both; None for one that it has not had."""
        return {
            name: (self.deployed.get(name), value)
            for name, value in sorted(self.parameters.items())
            if self.deployed and self.deployed.get(name) != value
        }


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
    with translate_aws_errors():
        existing = prepare_stack(target, sleep)
        deployed = existing.parameters if existing else {}
        summary = target.cloudformation.get_template_summary(TemplateBody=template)
        declared = [
            parameters.Declared(entry["ParameterKey"], entry.get("DefaultValue"))
            for entry in summary.get("Parameters", [])
        ]
        values = parameters.resolve(declared, deployed, {**parameters.for_emulator(target), **overrides})
        complete = values | {"CodeBucket": code.bucket, "CodeKey": code.key, DATA_ONLY: "false"}
        return _computed(
            target,
            existing,
            values,
            code.sha256,
            sleep,
            TemplateBody=template,
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in complete.items()],
            # CloudFormation puts them on every resource that can have any.
            Tags=[{"Key": name, "Value": value} for name, value in (tags or {}).items()],
        )


def plan_data_only(target: Target, sleep: Callable[[float], None] = time.sleep) -> Plan:
    """Let CloudFormation compute what taking down all but tasks, messages and logs would change: nothing else does.

    Raises:
        FtaskError: there is no stack, it is in no state to be changed, or it is of an ftask that could not do this.
    """
    with translate_aws_errors():
        existing = prepare_stack(target, sleep)
        if existing is None:
            raise stack.not_found(target, "There is nothing to remove.")
        deployed = existing.parameters
        if DATA_ONLY not in deployed:
            raise FtaskError(
                f"Stack {target.stack_name} is of an ftask that could not keep data.",
                f"First run: {stack.command_on(target, 'deploy')}",
            )
        return _computed(
            target,
            existing,
            {**deployed, DATA_ONLY: "true"},
            stack.code_sha256(deployed["CodeKey"]),
            sleep,
            UsePreviousTemplate=True,
            Parameters=[
                {"ParameterKey": DATA_ONLY, "ParameterValue": "true"},
                *({"ParameterKey": name, "UsePreviousValue": True} for name in deployed if name != DATA_ONLY),
            ],
        )


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


def discard_plan(target: Target, plan: Plan) -> None:
    """Delete the change set, and the empty stack that planning a first deployment leaves."""
    with translate_aws_errors():
        target.cloudformation.delete_change_set(StackName=plan.stack_name, ChangeSetName=plan.change_set_id)
        if plan.creates_stack:
            target.cloudformation.delete_stack(StackName=plan.stack_id)


def _computed(
    target: Target,
    existing: stack.DeployedStack | None,
    values: Mapping[str, str],
    code_sha256: str,
    sleep: Callable[[float], None],
    **request: Any,
) -> Plan:
    token = new_token()
    answer = target.cloudformation.create_change_set(
        StackName=target.stack_name,
        ChangeSetName=token,
        ClientToken=token,
        ChangeSetType="CREATE" if existing is None else "UPDATE",
        Capabilities=["CAPABILITY_IAM"],
        **request,
    )
    described = _await_computed(target, answer["Id"], sleep)
    plan = Plan(
        stack_name=target.stack_name,
        stack_id=answer["StackId"],
        change_set_id=answer["Id"],
        creates_stack=existing is None,
        changes=tuple(_change(change) for change in described.get("Changes", [])),
        parameters={name: value for name, value in values.items() if name not in OWN_PARAMETERS},
        deployed=existing.parameters if existing else {},
        code_sha256=code_sha256,
    )
    if described["Status"] == "FAILED":
        reason = described.get("StatusReason", "no reason given")
        discard_plan(target, plan)
        if not any(phrase in reason for phrase in _NOTHING_TO_DO):
            raise FtaskError(f"CloudFormation cannot plan this deployment: {reason}")
    return plan


def _await_computed(
    target: Target, change_set_id: str, sleep: Callable[[float], None]
) -> DescribeChangeSetOutputTypeDef:
    def describe(**page: Any) -> DescribeChangeSetOutputTypeDef:
        # The stack is named too, because the permission for this is bound to it.
        return target.cloudformation.describe_change_set(
            StackName=target.stack_name, ChangeSetName=change_set_id, IncludePropertyValues=True, **page
        )

    pause_seconds, waited = 0.1, 0.0
    while True:
        described = describe()
        if described["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        if waited > PLANNING_SECONDS:
            raise FtaskError("CloudFormation has not computed the change set in five minutes.", "Try again.")
        sleep(pause_seconds)
        waited += pause_seconds
        pause_seconds = min(2 * pause_seconds, 2.0)
    token = described.get("NextToken")
    while token:
        page = describe(NextToken=token)
        described["Changes"] += page["Changes"]
        token = page.get("NextToken")
    return described


def _change(change: ChangeTypeDef) -> Change:
    resource = change["ResourceChange"]
    return Change(
        action=resource["Action"],
        logical_id=resource["LogicalResourceId"],
        resource_type=resource["ResourceType"],
        replacement=resource.get("Replacement"),
        properties=_properties(resource.get("Details", [])),
    )


def _properties(details: list[ResourceChangeDetailTypeDef]) -> tuple[PropertyChange, ...]:
    """The changed properties, each once: CloudFormation names one again for every reason that it has."""
    found: dict[str, PropertyChange] = {}
    for detail in details:
        target = detail["Target"]
        name = target.get("Path", "").removeprefix("/Properties/") or target.get("Name") or target.get("Attribute", "")
        before, after = target.get("BeforeValue"), target.get("AfterValue")
        if name and (name not in found or before is not None or after is not None):
            found[name] = PropertyChange(name, before, after)
    return tuple(found[name] for name in sorted(found))
