"""Run a plan, or delete the stack."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ftask.aws import stack
from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.deploy import artifacts
from ftask.deploy.changes import DATA_TYPES
from ftask.deploy.plan import Plan, dropped_unless_begun, plan_managed
from ftask.deploy.stack_events import StackEvent, follow, new_token, remedy, root_cause

# What stays of a stack that is taken down to its data: the resources without a condition in the template.
KEPT_TYPES = DATA_TYPES | {"AWS::SQS::QueuePolicy", "AWS::Logs::LogGroup", "AWS::Scheduler::ScheduleGroup"}
# The role in whose name the kept schedules send.
KEPT_ROLE = "SchedulerRole"


class DeploymentError(FtaskError):
    """CloudFormation failed; the message begins with the root cause."""


def apply(target: Target, plan: Plan, sleep: Callable[[float], None] = time.sleep) -> Iterator[StackEvent]:
    """Begin to run the plan, and return its events, which end when CloudFormation has.

    The events raise:
        DeploymentError: it failed, and CloudFormation rolled it back.
    """
    token = new_token()
    with translate_aws_errors():
        target.cloudformation.execute_change_set(
            StackName=plan.stack_name, ChangeSetName=plan.change_set_id, ClientRequestToken=token
        )
    return _until(target, plan.stack_id, token, ("CREATE_COMPLETE", "UPDATE_COMPLETE"), sleep)


def restore_worker_source(target: Target, sleep: Callable[[float], None] = time.sleep) -> None:
    """Recreate the worker's event source mapping after somebody deleted it, in two updates of the stack.

    CloudFormation does not notice that a resource was deleted without it, so a deployment finds no change. Interrupted
    between the updates, `ftask deploy` puts the mapping back too.
    https://repost.aws/knowledge-center/failing-stack-updates-deleted

    Raises:
        FtaskError: the stack cannot be changed, or the change failed.
    """
    for value in ("false", "true"):
        plan = plan_managed(target, stack.HAS_WORKER_SOURCE, value, sleep)
        with dropped_unless_begun(target, plan):
            events = apply(target, plan, sleep)
        for _ in events:
            pass


@dataclass(frozen=True, slots=True)
class Resource:
    """One resource of a stack; `physical_id` is its name in the account."""

    logical_id: str
    resource_type: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class StackRemoval:
    """What a removal would delete, with the code archives in a bucket, and what it would keep.

    `is_protected` says that CloudFormation refuses to delete the stack, until the removal takes that off.
    """

    stack_name: str
    stack_id: str
    code_bucket: str | None
    resources: tuple[Resource, ...]
    kept: tuple[Resource, ...] = ()
    is_protected: bool = False

    def json(self) -> dict[str, Any]:
        """Return the JSON form: the stack, and what stays of it."""
        return {
            "removed": self.stack_name,
            "kept": [
                {"resource": resource.logical_id, "type": resource.resource_type, "name": resource.physical_id}
                for resource in self.kept
            ],
        }


def prepare_removal(target: Target, *, keep_data: bool = False) -> StackRemoval:
    """Return what a removal of the stage deletes; with `keep_data` all but its tasks, messages and logs.

    Raises:
        StackNotFoundError: the stack does not exist.
        DeploymentError: the stage is protected, and its data would go.
    """
    existing = stack.find_stack(target)
    if existing is None:
        raise stack.not_found(target, "There is nothing to remove.")
    parameters = existing.parameters
    if parameters.get("DeletionProtection") == "true" and not keep_data:
        raise DeploymentError(
            f"Stage {target.stage_name!r} is protected from deletion. Nothing changed.",
            f"First run: {stack.command_on(target, 'deploy')} --param DeletionProtection=false\n"
            f"Or keep its data: {stack.command_on(target, 'remove')} --keep-data",
        )
    with translate_aws_errors():
        pages = target.cloudformation.get_paginator("list_stack_resources").paginate(StackName=existing.stack_id)
        resources = [
            Resource(summary["LogicalResourceId"], summary["ResourceType"], summary.get("PhysicalResourceId", ""))
            for page in pages
            for summary in page["StackResourceSummaries"]
            if summary["ResourceStatus"] != "DELETE_COMPLETE"
        ]
    ordered = sorted(resources, key=lambda resource: resource.logical_id)
    staying = [
        resource
        for resource in ordered
        if keep_data and (resource.resource_type in KEPT_TYPES or resource.logical_id == KEPT_ROLE)
    ]
    return StackRemoval(
        target.stack_name,
        existing.stack_id,
        parameters.get("CodeBucket"),
        tuple(resource for resource in ordered if resource not in staying),
        tuple(staying),
        existing.is_termination_protected,
    )


def remove(target: Target, removal: StackRemoval, sleep: Callable[[float], None] = time.sleep) -> Iterator[StackEvent]:
    """Delete the stack and the stage's code archives, and yield the stack's events.

    Raises:
        DeploymentError: CloudFormation could not delete something; the rest is deleted.
    """
    token = new_token()
    if removal.is_protected:
        set_termination_protection(target, enabled=False)
    with translate_aws_errors():
        target.cloudformation.delete_stack(StackName=removal.stack_id, ClientRequestToken=token)
    yield from _until(target, removal.stack_id, token, ("DELETE_COMPLETE",), sleep)
    if removal.code_bucket is not None:
        artifacts.discard(target, removal.code_bucket)


def set_termination_protection(target: Target, *, enabled: bool) -> None:
    """Let CloudFormation refuse to delete the stage's stack, whoever tries, or no longer."""
    with translate_aws_errors():
        target.cloudformation.update_termination_protection(
            StackName=target.stack_name, EnableTerminationProtection=enabled
        )


def _until(
    target: Target, stack_id: str, token: str, good: tuple[str, ...], sleep: Callable[[float], None]
) -> Iterator[StackEvent]:
    """Yield the events of an operation; raise unless it ends in one of these states."""
    events = []
    with translate_aws_errors():
        for event in follow(target, stack_id, token, sleep):
            events.append(event)
            yield event
    if events and events[-1].status in good:
        return
    what = f"Stack {target.stack_name}"
    cause = root_cause(events)
    status = events[-1].status if events else "unknown"
    if cause is None:
        raise DeploymentError(f"{what} ended {status}.", "Look at its events in the CloudFormation console.")
    raise DeploymentError(
        f"{cause.logical_id} ({cause.resource_type}): {cause.reason or cause.status}",
        f"{what} is {status}: none of this change is in effect. "
        + (remedy(cause.reason or "", target.region_name) or "Fix the cause and run the command again."),
    )
