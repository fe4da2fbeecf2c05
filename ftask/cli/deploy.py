"""`ftask deploy`: create the stack or bring it up to date."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.cli import policy
from ftask.cli.invocation import Invocation
from ftask.cli.stack_events import show_events
from ftask.cli.yes import Yes
from ftask.core.errors import FtaskError


def deploy(
    run: Invocation,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", "-p", metavar="NAME=VALUE", help="Set a parameter of the stack; others keep their values."
        ),
    ] = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    allow_data_loss: Annotated[
        bool, typer.Option("--allow-data-loss", help="Deploy even if the table or a queue is replaced or removed.")
    ] = False,
    artifact_bucket: Annotated[
        str | None,
        typer.Option(metavar="BUCKET", help="Bucket for the code archive, instead of the one that ftask creates."),
    ] = None,
    print_template: Annotated[
        bool, typer.Option("--print-template", help="Only print the CloudFormation template.")
    ] = False,
    print_policy: Annotated[
        bool, typer.Option("--print-policy", help="Only print the IAM policy that deploying needs.")
    ] = False,
) -> None:
    """Create or update the stack, after showing the plan."""
    from ftask.deploy import apply, artifacts, package, parameters
    from ftask.deploy.existing import or_stop_it
    from ftask.deploy.plan import discard_plan, make_plan, refuse_data_loss
    from ftask.policy.commands import DEPLOYING
    from ftask.render import stacks

    if print_template:
        print(package.read_template(), end="")  # noqa: T201 - YAML in either output format
        return
    filed = run.config.stage(run.stage_name)
    overrides = filed.overrides() | parameters.parse_overrides(param or [])
    own_bucket = artifact_bucket or filed.artifact_bucket
    if print_policy:
        policy.print_policy(run, DEPLOYING, overrides, own_bucket)
        return
    target, screen = run.target, run.screen
    code = artifacts.store(target, package.build_archive(), own_bucket)
    screen.note(f"Code archive {code.key} ({'uploaded' if code.uploaded else 'unchanged'}).")
    plan = make_plan(target, package.read_template(), code, overrides, filed.tags)
    value = stacks.plan_json(plan)
    if not plan.changes:
        screen.result(value | {"deployed": False}, lambda: f"No changes: {plan.stack_name} is up to date.")
        return
    screen.picture(stacks.plan_table(plan))
    if dry_run:
        discard_plan(target, plan)
        screen.result(value | {"deployed": False}, lambda: "Nothing was changed (--dry-run).")
        return
    verb = "Create" if plan.creates_stack else "Change"
    try:
        if not allow_data_loss:
            refuse_data_loss(plan)
        run.confirm(f"{verb} stack {plan.stack_name} in {target.region_name}?", yes=yes)
    except (FtaskError, KeyboardInterrupt):
        discard_plan(target, plan)
        raise
    stop = or_stop_it(plan.stack_name, "CREATE_IN_PROGRESS" if plan.creates_stack else "UPDATE_IN_PROGRESS")
    run.if_interrupted = (
        f"CloudFormation goes on with stack {plan.stack_name}. Run ftask deploy again to see how it ended{stop}"
    )
    show_events(run, apply.apply(target, plan))
    run.if_interrupted = f"Stack {plan.stack_name} is deployed."
    outputs = run.outputs
    screen.result(
        value | {"deployed": True, "apiUrl": outputs.api_url},
        lambda: f"Deployed {plan.stack_name}. The API is at {outputs.api_url}",
    )
