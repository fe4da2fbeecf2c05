"""The stack as a deployment finds it: it takes a change set, needs a repair first, or refuses."""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum

from ftask.aws import stack
from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import DeployedStack
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.text import printable
from ftask.deploy.stack_events import author, await_idle

# CloudFormation could not clean up, or was asked not to.
_BEYOND_REPAIR = frozenset({"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED"})


class StackRepair(StrEnum):
    """What has to be done to a stack before CloudFormation takes a change set for it."""

    DELETE_EMPTY = "delete the empty stack of a first deployment that failed"
    CONTINUE_ROLLBACK = "continue the rollback that failed"


_REPAIRS = {"ROLLBACK_COMPLETE": StackRepair.DELETE_EMPTY, "UPDATE_ROLLBACK_FAILED": StackRepair.CONTINUE_ROLLBACK}


def find_existing(target: Target) -> DeployedStack | None:
    """Return the stage's stack in a state that a deployment can start from; None where a deployment creates it.

    Raises:
        FtaskError: another deployment is running, or the stack has to be removed first.
    """
    existing = stack.find_stack(target)
    # REVIEW_IN_PROGRESS: somebody planned a first deployment, and nobody has run it.
    if existing is None or existing.status == "REVIEW_IN_PROGRESS":
        return None
    if existing.status.endswith("_IN_PROGRESS"):
        with translate_aws_errors():
            raise _running_already(target, existing.status)
    if existing.status in _BEYOND_REPAIR:
        raise FtaskError(
            f"Stack {target.stack_name} is {existing.status}: no deployment can change it.",
            f"Remove it first, with: {stack.command_on(target, 'remove')}",
        )
    return existing


def needed_repair(existing: DeployedStack) -> StackRepair | None:
    """Return what has to be done before a change set can be computed for the stack; None for most."""
    return _REPAIRS.get(existing.status)


def carry_out_repair(existing: DeployedStack, sleep: Callable[[float], None] = time.sleep) -> None:
    """Carry out the repair that the stack needs, if any, and wait until CloudFormation has ended.

    How that ended is for the next look to tell.
    """
    cloudformation = existing.target.cloudformation
    with translate_aws_errors():
        match needed_repair(existing):
            case StackRepair.DELETE_EMPTY:
                cloudformation.delete_stack(StackName=existing.stack_id)
            case StackRepair.CONTINUE_ROLLBACK:
                cloudformation.continue_update_rollback(StackName=existing.stack_id)
            case None:
                return
        await_idle(existing.target, existing.stack_id, sleep)


def how_to_stop(stack_name: str, status: str) -> str:
    """Return how to stop an operation on a stack, to be appended to a hint; empty where CloudFormation cannot."""
    command = {"CREATE_IN_PROGRESS": "delete-stack", "UPDATE_IN_PROGRESS": "cancel-update-stack"}.get(status)
    return f", or stop it with: aws cloudformation {command} --stack-name {stack_name}" if command else ""


def _running_already(target: Target, status: str) -> FtaskError:
    """Return the refusal of a second deployment, with who runs the first as far as CloudFormation says."""
    newest = target.cloudformation.describe_stack_events(StackName=target.stack_name)["StackEvents"]
    # The operation's first event has its time, and its token says who started it.
    first = next(
        (
            event
            for event in newest
            if event.get("ResourceType") == "AWS::CloudFormation::Stack"
            and event.get("ResourceStatusReason") == "User Initiated"
        ),
        newest[0] if newest else None,
    )
    since = "" if first is None else f" since {first['Timestamp'].astimezone():%H:%M:%S}"
    token = first.get("ClientRequestToken", "") if first is not None else ""
    who = author(token) or (f"another tool, with the token {printable(token, 64)}" if token else "")
    return FtaskError(
        f"Stack {target.stack_name} is {status}{since}: another deployment is running" + (f" ({who})." if who else "."),
        f"Wait until it has ended and run the command again{how_to_stop(target.stack_name, status)}.",
    )
