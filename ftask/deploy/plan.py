"""The plan: a change set that CloudFormation has computed and nobody has run."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from ftask.aws import stack
from ftask.aws.concurrency import rounds
from ftask.aws.errors import translate, translate_aws_errors
from ftask.aws.stack import DATA_ONLY, HAS_WORKER_SOURCE, MANAGED_PARAMETERS
from ftask.aws.target import Target
from ftask.core.errors import FtaskError, InvalidInputError
from ftask.deploy import parameters
from ftask.deploy.artifacts import CodeLocation
from ftask.deploy.changes import Change, ScheduleChange, TypeChanges, read_changes
from ftask.deploy.existing import find_existing, needed_repair
from ftask.deploy.stack_events import new_token, remedy

if TYPE_CHECKING:
    from types_boto3_cloudformation.type_defs import GetTemplateSummaryOutputTypeDef

PLANNING_SECONDS = 300.0
# The parameters that ftask sets by itself, of a stage that does its work.
_SERVING = {DATA_ONLY: "false", HAS_WORKER_SOURCE: "true"}
# How CloudFormation says, by a failed change set, that there is nothing to change.
_NOTHING_TO_DO = ("didn't contain changes", "No updates are to be performed")


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
    api_code_sha256: str
    worker_code_sha256: str
    types: TypeChanges = field(default_factory=TypeChanges)
    schedules: tuple[ScheduleChange, ...] = ()

    @property
    def changed_parameters(self) -> dict[str, tuple[str | None, str]]:
        """The parameters of a deployed stack that get another value, with both; None for one that it has not had."""
        return {
            name: (self.deployed.get(name), value)
            for name, value in sorted(self.parameters.items())
            if self.deployed and self.deployed.get(name) != value
        }

    def json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "stack": self.stack_name,
            "creates": self.creates_stack,
            "codeSha256": self.api_code_sha256,
            "workerCodeSha256": self.worker_code_sha256,
            "parameters": dict(sorted(self.parameters.items())),
            "changedParameters": {
                name: {"before": before, "after": after} for name, (before, after) in self.changed_parameters.items()
            },
            "taskTypes": {
                "added": list(self.types.added),
                "removed": [
                    {"name": name, "unfinished": count.number, "all": count.is_all}
                    for name, count in self.types.removed.items()
                ],
                "changed": list(self.types.changed),
            },
            "schedules": [
                {"name": change.name, "before": change.words[0], "after": change.words[1]} for change in self.schedules
            ],
            "changes": [
                {
                    "action": change.action,
                    "resource": change.logical_id,
                    "type": change.resource_type,
                    "replacement": change.replacement,
                    "losesData": change.loses_data,
                    "causes": list(change.causes),
                    "onlyRefers": change.only_refers,
                    "properties": [asdict(property_change) for property_change in change.properties],
                }
                for change in self.changes
            ],
        }


@dataclass(frozen=True, slots=True)
class Previous:
    """The deployment that a plan replaces: its template, and the values of all parameters."""

    template: str
    parameters: Mapping[str, str]


def make_plan(
    target: Target,
    template: str,
    code: CodeLocation,
    overrides: Mapping[str, str],
    tags: Mapping[str, str] | None = None,
    role_arn: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Plan:
    """Let CloudFormation compute what deploying `template` would change.

    It leaves a change set, and for a stack that does not exist yet an empty one in review: nothing else. Neither the
    code's bucket nor the archives have to exist before the plan is run.

    Raises:
        FtaskError: the parameters are wrong, or the stack cannot be changed in its state.
    """
    with translate_aws_errors():
        existing = _changeable(target)
        summary = target.cloudformation.get_template_summary(TemplateBody=template)
        defaults = parameters.for_emulator(target)
        values = parameters.resolve(
            _declared(summary), existing.parameters if existing else {}, {**defaults, **overrides}
        )
        keys = {"CodeBucket": code.bucket, "CodeKey": code.api_key, "WorkerCodeKey": code.worker_key}
        # CloudFormation puts the tags on every resource that can have any.
        listed = [{"Key": name, "Value": value} for name, value in (tags or {}).items()]
        complete = {**values, **keys, **_SERVING}
        return _computed(target, existing, complete, sleep, role_arn, TemplateBody=template, Tags=listed)


def plan_parameters(
    target: Target,
    overrides: Mapping[str, str],
    role_arn: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Plan:
    """Let CloudFormation compute what other parameters would change of a stack that keeps its code and its template.

    Raises:
        FtaskError: the parameters are wrong, or the stack cannot be changed in its state.
    """
    with translate_aws_errors():
        existing = _existing(target)
        summary = target.cloudformation.get_template_summary(StackName=target.stack_name)
        values = parameters.resolve(_declared(summary), existing.parameters, overrides)
        complete = {**existing.parameters, **values, **_SERVING}
        return _computed(target, existing, complete, sleep, role_arn, UsePreviousTemplate=True)


def plan_managed(target: Target, name: str, value: str, sleep: Callable[[float], None] = time.sleep) -> Plan:
    """Let CloudFormation compute what another value of a parameter that ftask itself sets would change.

    With DATA_ONLY that is taking down all but tasks, messages and logs.

    Raises:
        FtaskError: the stack does not exist, or it cannot be changed in its state.
    """
    with translate_aws_errors():
        existing = _existing(target)
        return _computed(target, existing, {**existing.parameters, name: value}, sleep, UsePreviousTemplate=True)


def _declared(summary: GetTemplateSummaryOutputTypeDef) -> dict[str, str | None]:
    return {entry["ParameterKey"]: entry.get("DefaultValue") for entry in summary.get("Parameters", [])}


def read_previous(target: Target, plan: Plan) -> Previous | None:
    """Return the deployment that `plan` replaces, to go back to; None where no worker is deployed yet."""
    if plan.deployed.get(DATA_ONLY, "true") == "true":
        return None
    with translate_aws_errors():
        body: Any = target.cloudformation.get_template(StackName=target.stack_name)["TemplateBody"]
    # botocore reads a template that is JSON.
    return Previous(body if isinstance(body, str) else json.dumps(body), plan.deployed)


def plan_return(target: Target, previous: Previous, sleep: Callable[[float], None] = time.sleep) -> Plan:
    """Let CloudFormation compute what going back to an earlier deployment would change.

    Raises:
        FtaskError: the stack cannot be changed in its state.
    """
    with translate_aws_errors():
        return _computed(target, _changeable(target), previous.parameters, sleep, TemplateBody=previous.template)


def refuse_data_loss(plan: Plan) -> None:
    """Refuse a plan that replaces or removes what holds tasks or messages.

    Raises:
        FtaskError: the plan does.
    """
    lost = [change.logical_id for change in plan.changes if change.loses_data]
    if lost:
        raise FtaskError(
            f"This would replace or remove {', '.join(lost)}, with the tasks or messages in it. Nothing changed.",
            "If you mean it, run the command again with --allow-data-loss.",
        )


def discard_plan(target: Target, plan: Plan) -> None:
    """Delete the change set, and the empty stack that planning a first deployment leaves."""
    _discard(target, plan.stack_id, plan.change_set_id, creates_stack=plan.creates_stack)


@contextmanager
def dropped_unless_begun(target: Target, plan: Plan) -> Iterator[None]:
    """Discard the plan if the block, which shows it and begins to run it, fails or is interrupted.

    CloudFormation refuses to delete a change set that it runs already, so an answer that was lost does no harm.
    """
    try:
        yield
    except BaseException:  # Ctrl-C and a closed terminal too
        # The user has to see what went wrong first.
        with suppress(FtaskError):
            discard_plan(target, plan)
        raise


def _discard(target: Target, stack_id: str, change_set_id: str, *, creates_stack: bool) -> None:
    with translate_aws_errors():
        target.cloudformation.delete_change_set(StackName=stack_id, ChangeSetName=change_set_id)
        if creates_stack and _is_abandoned(target, stack_id):
            target.cloudformation.delete_stack(StackName=stack_id)


def _is_abandoned(target: Target, stack_id: str) -> bool:
    """Whether nobody has deployed into the empty stack of a plan, and nobody else has a plan for it."""
    status = target.cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
    if status != "REVIEW_IN_PROGRESS":
        return False
    return not target.cloudformation.list_change_sets(StackName=stack_id)["Summaries"]


def _changeable(target: Target) -> stack.DeployedStack | None:
    existing = find_existing(target)
    if existing is not None and (repair := needed_repair(existing)):
        raise FtaskError(
            f"Stack {target.stack_name} is {existing.status}: no change can be planned for it yet.",
            f"First {repair}, with: {stack.command_on(target, 'deploy')}",
        )
    return existing


def _existing(target: Target) -> stack.DeployedStack:
    existing = _changeable(target)
    if existing is None:
        raise stack.not_found(target, "There is nothing to change.")
    return existing


def _computed(
    target: Target,
    existing: stack.DeployedStack | None,
    values: Mapping[str, str],
    sleep: Callable[[float], None],
    role_arn: str | None = None,
    **request: Any,
) -> Plan:
    token = new_token()
    if role_arn is not None:
        request["RoleARN"] = role_arn
    creates_stack = existing is None
    try:
        answer = target.cloudformation.create_change_set(
            StackName=target.stack_name,
            ChangeSetName=token,
            ClientToken=token,
            ChangeSetType="CREATE" if creates_stack else "UPDATE",
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": name, "ParameterValue": value} for name, value in values.items()],
            **request,
        )
    except ClientError as error:
        details = error.response.get("Error", {})
        message = details.get("Message", "")
        if details.get("Code") == "ValidationError" and message.startswith("Parameter "):
            raise InvalidInputError(f"CloudFormation: {message}", "Set it with: --param NAME=VALUE") from error
        raise
    except BaseException:  # Ctrl-C too: the change set may have been made, and its answer lost
        with suppress(FtaskError):
            _discard(target, target.stack_name, token, creates_stack=creates_stack)
        raise
    try:
        status, reason, changes = _await_computed(target, answer["Id"], sleep)
    except BaseException:  # Ctrl-C too: a plan that nobody gets to see is not left behind
        with suppress(FtaskError):
            _discard(target, answer["StackId"], answer["Id"], creates_stack=creates_stack)
        raise
    plan = Plan(
        stack_name=target.stack_name,
        stack_id=answer["StackId"],
        change_set_id=answer["Id"],
        creates_stack=creates_stack,
        changes=changes,
        parameters={name: value for name, value in values.items() if name not in MANAGED_PARAMETERS},
        deployed=existing.parameters if existing else {},
        api_code_sha256=stack.code_sha256(values["CodeKey"]),
        worker_code_sha256=stack.code_sha256(values["WorkerCodeKey"]),
    )
    failed = status == "FAILED" and not any(phrase in reason for phrase in _NOTHING_TO_DO)
    refusal = _refusal(target, plan, reason) if failed else None
    if status == "FAILED" or not plan.changes:
        discard_plan(target, plan)
    if refusal is not None:
        raise refusal
    return plan


def _refusal(target: Target, plan: Plan, reason: str) -> FtaskError:
    """Return why CloudFormation cannot plan. What its validation found is among the events of the change set alone.

    https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/validate-stack-deployments.html
    """
    message = f"CloudFormation cannot plan this deployment: {reason}"
    try:
        pages = target.cloudformation.get_paginator("describe_events").paginate(
            StackName=plan.stack_id, ChangeSetName=plan.change_set_id, Filters={"FailedEvents": True}
        )
        events = [event for page in pages for event in page["OperationEvents"]]
    except (BotoCoreError, ClientError) as error:
        unread = translate(error)
        return FtaskError(
            message, f"The failed resources could not be read. {unread.message} {unread.hint or ''}".rstrip()
        )
    found = [
        (f"{event.get('LogicalResourceId', plan.stack_name)} ({event.get('ResourceType', 'stack')}): ", cause)
        for event in events
        if event.get("ValidationFailureMode") != "WARN"
        and (cause := event.get("ValidationStatusReason") or event.get("HookStatusReason"))
    ]
    remedies = (remedy(cause, target.region_name) for _, cause in found)
    return FtaskError("\n".join([message, *map("".join, found)]), "\n".join(filter(None, remedies)) or None)


def _await_computed(
    target: Target, change_set_id: str, sleep: Callable[[float], None]
) -> tuple[str, str, tuple[Change, ...]]:
    """Return the change set's status, the reason for it, and its changes, once CloudFormation has computed them."""
    # The stack is named too, because the permission for this is bound to it.
    request: Any = {"StackName": target.stack_name, "ChangeSetName": change_set_id, "IncludePropertyValues": True}
    pauses = chain((0.1, 0.2, 0.4, 0.8), repeat(1.6))
    for _ in rounds(lambda: next(pauses), PLANNING_SECONDS, sleep=sleep):
        described = target.cloudformation.describe_change_set(**request)
        if described["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
    else:
        raise FtaskError(
            f"CloudFormation has not computed the change set in {PLANNING_SECONDS:g} s.", "Run the command again."
        )
    pages = target.cloudformation.get_paginator("describe_change_set").paginate(**request)
    changes = read_changes(change for page in pages for change in page.get("Changes", []))
    return described["Status"], described.get("StatusReason", "no reason given"), changes
