"""`ftask policy`: what to allow whom."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.aws.local_stage import LOCAL_REGION
from ftask.cli.invocation import Invocation, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ftask.policy.resources import Scope


def policy(
    run: Invocation,
    commands: Annotated[
        list[str] | None,
        typer.Argument(metavar="[COMMAND]...", help="Like submit or dlq redrive; every operator's without any."),
    ] = None,
) -> None:
    """Print the least IAM policy under which commands work on the stage.

    An operator's has every command but deploy and remove: those two are a deployer's.
    """
    filed = run.config.stage(run.stage_name)
    print_policy(run, chosen(commands or []), filed.overrides(), filed.artifact_bucket)


def print_policy(
    run: Invocation, commands: Sequence[str], parameters: Mapping[str, str], own_bucket: str | None
) -> None:
    """Print the policy of these commands, as it can be attached to a user or a role.

    `parameters` are those that the stage is deployed with, as far as they are known.
    """
    from ftask.policy.deployer import policy as least_policy

    key, vpc = parameters.get("KmsKeyArn") or None, bool(parameters.get("VpcSubnetIds"))
    document = least_policy(commands, _scope(run, own_bucket), key, vpc=vpc)
    print(json.dumps(document, indent=2))  # noqa: T201 - a policy is JSON in either output format


def chosen(words: Sequence[str]) -> list[str]:
    """The commands that these words name; a group's name alone stands for all of the group.

    Raises:
        UsageError: a word names none that asks AWS for anything.
    """
    from ftask.policy.commands import COMMANDS, DEPLOYING

    left = " ".join(words).split()
    if not left:
        return [name for name in COMMANDS if name not in DEPLOYING]
    found: list[str] = []
    while left:
        for length in (2, 1):
            name = " ".join(left[:length])
            fitting = [name] if name in COMMANDS else [each for each in COMMANDS if each.startswith(f"{name} ")]
            if fitting and len(left) >= length:
                found += fitting
                left = left[length:]
                break
        else:
            raise UsageError(
                f"{left[0]!r} asks AWS for nothing, or is no command.", f"Choose of {', '.join(COMMANDS)}."
            )
    return found


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
