"""`ftask policy`: the least IAM policy for commands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated

import typer

from ftask.aws.errors import translate_aws_errors
from ftask.aws.stack import find_stack
from ftask.aws.target import Target
from ftask.cli.deploying import Param
from ftask.cli.invocation import Invocation
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError
from ftask.core.local_stage import LOCAL_ACCOUNT, LOCAL_REGION
from ftask.deploy.parameters import parse_overrides
from ftask.local.engine import Engine
from ftask.policy.commands import APPLICATION, COMMANDS, DEPLOYING, SERVICE_ROLE, Scope
from ftask.policy.deployer import plan_policy
from ftask.policy.deployer import policy as least_policy

# Without whitespace. An inline policy of a role takes 10,240.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
MANAGED_POLICY_CHARACTERS = 6144


def policy(
    run: Invocation,
    commands: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...", help="Commands or groups, like submit or dlq; all but deploy and remove if omitted."
        ),
    ] = None,
    param: Param = None,
) -> None:
    """Print the least IAM policy under which commands work on the stage.

    Without a command, the policy is an operator's. `app` is a program's that submits tasks by ftask.Client and has
    FTASK_API_URL: only the calls of the API. A deployer's is printed by: ftask policy deploy remove. For a stage
    with role_arn, service-role stands for the role in whose name CloudFormation works.

    Examples:
        ftask policy --stage prod
        ftask policy dlq submit --stage prod
        ftask policy app --stage prod
    """
    stage = run.config.stage(run.stage_name)
    parameters = stage.overrides() | parse_overrides(param or [])
    print_policy(run, select_commands(commands or []), parameters, stage.artifact_bucket, stage.role_arn)


def print_policy(
    run: Invocation,
    commands: Sequence[str],
    parameters: Mapping[str, str],
    own_bucket: str | None,
    role_arn: str | None = None,
    *,
    only_plans: bool = False,
) -> None:
    """Print the policy of these commands, ready to be attached to a user or a role.

    `parameters` are those that the stage is to have, besides those that it has. `own_bucket` is the team's bucket for
    code archives, `role_arn` the service role in whose name CloudFormation works. With `only_plans` the policy is one
    for `ftask deploy --dry-run`, for any commands.
    """
    scope, deployed = _scope(run, own_bucket)

    def known(name: str) -> str | None:
        return parameters.get(name) or deployed.get(name) or None

    if only_plans:
        document = plan_policy(scope, role_arn)
    else:
        vpc, boundary_arn = known("VpcSubnetIds") is not None, known("PermissionsBoundaryArn")
        document = least_policy(
            commands, scope, known("KmsKeyArn"), vpc=vpc, boundary_arn=boundary_arn, role_arn=role_arn
        )
    run.screen.document(document)
    size = len(json.dumps(document, separators=(",", ":")))
    if size > MANAGED_POLICY_CHARACTERS:
        run.screen.note(
            f"The policy has {size:,} characters, and a managed policy takes {MANAGED_POLICY_CHARACTERS:,}. Make it an"
            " inline policy: aws iam put-role-policy --role-name ROLE --policy-name ftask --policy-document file://FILE"
        )


def select_commands(words: Sequence[str]) -> list[str]:
    """Return the commands that these words name; the name of a group stands for all its commands."""
    left = " ".join(words).split()
    if left == [APPLICATION]:
        return left
    if not left:
        return [name for name in COMMANDS if name not in DEPLOYING]
    selected: list[str] = []
    while left:
        for length in (2, 1):
            name = " ".join(left[:length])
            in_group = [command for command in COMMANDS if command.startswith(f"{name} ")]
            matches = [name] if name in COMMANDS or name == SERVICE_ROLE else in_group
            if matches and len(left) >= length:
                selected += matches
                left = left[length:]
                break
        else:
            raise UsageError(
                f"No policy for {left[0]!r}: it is not a command, or sends AWS no requests.",
                f"Choose from {', '.join(COMMANDS)}.",
            )
    return selected


def _scope(run: Invocation, own_bucket: str | None) -> tuple[Scope, Mapping[str, str]]:
    """Return what the policy is for, and the parameters of the stage as far as it is deployed and can be read."""
    stack = f"ftask-{run.stage_name}"
    if run.settings.uses_engine:
        scope = Scope(stack, region=LOCAL_REGION, account=LOCAL_ACCOUNT, own_bucket=own_bucket)
        running = Engine().running()  # printing a policy does not start it
        return _deployed(run, scope, None if running is None else Target.local(*running.connection, run.stage_name))
    region = run.settings.region.value
    if region is None:
        run.screen.note("No region is configured: the policy is for every region and every account.")
        return Scope(stack, own_bucket=own_bucket), {}
    partition = run.target.partition
    account = _account(run)
    if account is None:
        return Scope(stack, partition, region, own_bucket=own_bucket), {}
    return _deployed(run, Scope(stack, partition, region, account, own_bucket), run.target)


def _account(run: Invocation) -> str | None:
    """Return the account of the credentials; None, with a note, if that cannot be asked."""
    try:
        with translate_aws_errors():
            return run.target.sts.get_caller_identity()["Account"]
    except FtaskError as error:
        run.screen.note(f"The policy is for every account. {error.message}")
        return None


def _deployed(run: Invocation, scope: Scope, target: Target | None) -> tuple[Scope, Mapping[str, str]]:
    """Return the scope with the id of the deployed API, and the parameters of the stage."""
    try:
        stack = None if target is None else find_stack(target)
    except FtaskError as error:
        run.screen.note(f"The parameters of the deployed stage are left out; name them with --param. {error.message}")
        stack = None
    if stack is None:
        return scope, {}
    return replace(scope, api=stack.output_values.get("ApiId", "*")), stack.parameters
