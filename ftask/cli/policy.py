"""`ftask policy`: the least IAM policy for commands."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.aws.local_stage import LOCAL_REGION
from ftask.cli.invocation import Invocation
from ftask.cli.usage import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ftask.policy.resources import Scope


def policy(
    run: Invocation,
    commands: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...", help="Commands or groups, like submit or dlq; all but deploy and remove if omitted."
        ),
    ] = None,
) -> None:
    """Print the least IAM policy under which these commands work on the stage.

    Without a command, the policy is an operator's. A deployer's is printed by: ftask policy deploy remove
    """
    stage = run.config.stage(run.stage_name)
    print_policy(run, select_commands(commands or []), stage.overrides(), stage.artifact_bucket)


def print_policy(
    run: Invocation, commands: Sequence[str], parameters: Mapping[str, str], own_bucket: str | None
) -> None:
    """Print the policy of these commands, ready to be attached to a user or a role.

    `parameters` are the known parameters of the stage, and `own_bucket` is the team's bucket for code archives.
    """
    from ftask.policy.deployer import policy as least_policy

    key, vpc = parameters.get("KmsKeyArn") or None, bool(parameters.get("VpcSubnetIds"))
    document = least_policy(commands, _scope(run, own_bucket), key, vpc=vpc)
    print(json.dumps(document, indent=2))  # noqa: T201 - a policy is JSON in either output format


def select_commands(words: Sequence[str]) -> list[str]:
    """Return the commands that these words name; the name of a group stands for all its commands.

    Raises:
        UsageError: a word names no command, or one that sends AWS no requests.
    """
    from ftask.policy.commands import COMMANDS, DEPLOYING

    left = " ".join(words).split()
    if not left:
        return [name for name in COMMANDS if name not in DEPLOYING]
    selected: list[str] = []
    while left:
        for length in (2, 1):
            name = " ".join(left[:length])
            in_group = [command for command in COMMANDS if command.startswith(f"{name} ")]
            matches = [name] if name in COMMANDS else in_group
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


def _scope(run: Invocation, own_bucket: str | None) -> Scope:
    from ftask.policy.resources import Scope

    if run.settings.uses_engine:
        return Scope(f"ftask-{run.stage_name}", region=LOCAL_REGION, own_bucket=own_bucket)
    stack, region = run.target.stack_name, run.settings.region.value
    if region is None:
        run.screen.note("No region is configured: the policy is for every region.")
        return Scope(stack, own_bucket=own_bucket)
    partition = run.target.session.get_partition_for_region(region)
    return Scope(stack, partition, region, own_bucket=own_bucket)
