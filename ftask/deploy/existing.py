"""The stack as a deployment finds it: made ready for a change set, or refused."""

from __future__ import annotations

import time
from collections.abc import Callable

from ftask.aws import stack
from ftask.aws.target import Target
from ftask.core.errors import FtaskError
from ftask.core.text import printable
from ftask.deploy import events
from ftask.deploy.tokens import author

# What is left where CloudFormation could not clean up, or was told not to.
_BEYOND_REPAIR = frozenset({"CREATE_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED"})


def prepare_stack(target: Target, sleep: Callable[[float], None] = time.sleep) -> stack.DeployedStack | None:
    """The stage's stack, in a state that takes a change set; None where it has still to be created.

    What an earlier deployment left undone is put right first.

    Raises:
        FtaskError: another deployment is running, or the stack has to be removed first.
    """
    found = stack.find_stack(target)
    if found is None:
        return None
    status = found.status
    if status == "REVIEW_IN_PROGRESS":
        # Of a plan for a first deployment that nobody ran.
        return None
    if status.endswith("_IN_PROGRESS"):
        raise _running_already(target, status)
    if status in _BEYOND_REPAIR:
        raise FtaskError(
            f"Stack {target.stack_name} is {status}, which no deployment can change.",
            f"Remove it first, with: {stack.command_on(target, 'remove')}",
        )
    if status == "ROLLBACK_COMPLETE":
        # A first deployment that failed left an empty shell, which can only be deleted.
        target.cloudformation.delete_stack(StackName=target.stack_name)
        events.await_idle(target, found.stack_id, sleep)
        return None
    if status == "UPDATE_ROLLBACK_FAILED":
        # CloudFormation wants to be told to go on; what it could not undo then is said by its events.
        target.cloudformation.continue_update_rollback(StackName=target.stack_name)
        events.await_idle(target, found.stack_id, sleep)
    return found


def _running_already(target: Target, status: str) -> FtaskError:
    """The refusal of a second deployment, with who runs the first as far as CloudFormation says."""
    newest = target.cloudformation.describe_stack_events(StackName=target.stack_name)["StackEvents"]
    # The operation's first event says when it began, and its token who asked for it.
    begun = next(
        (
            event
            for event in newest
            if event.get("ResourceType") == "AWS::CloudFormation::Stack"
            and event.get("ResourceStatusReason") == "User Initiated"
        ),
        newest[0] if newest else None,
    )
    since = "" if begun is None else f" since {begun['Timestamp'].astimezone():%H:%M:%S}"
    token = begun.get("ClientRequestToken", "") if begun is not None else ""
    who = author(token) or (f"another tool, with the token {printable(token, 64)}" if token else "")
    return FtaskError(
        f"Stack {target.stack_name} is {status}{since}: another deployment is running" + (f" ({who})." if who else "."),
        f"Wait until it has ended and run the command again{or_stop_it(target.stack_name, status)}.",
    )


def or_stop_it(stack_name: str, status: str) -> str:
    """How to stop what goes on with a stack; nothing where CloudFormation cannot be stopped."""
    operation = {"CREATE_IN_PROGRESS": "delete-stack", "UPDATE_IN_PROGRESS": "cancel-update-stack"}.get(status)
    return f", or stop it with: aws cloudformation {operation} --stack-name {stack_name}" if operation else ""
