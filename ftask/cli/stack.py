"""`ftask deploy`, `remove` and `info`: the stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli import policy
from ftask.cli.command import command
from ftask.cli.invocation import Invocation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ftask.deploy.deployment import Deployment
    from ftask.deploy.events import StackEvent


def add_to(app: typer.Typer) -> None:
    command(app)(deploy)
    command(app)(remove)
    command(app)(info)


def deploy(
    run: Invocation,
    param: Annotated[
        list[str] | None,
        typer.Option(
            "--param", "-p", metavar="NAME=VALUE", help="Set a parameter of the stack; others stay as deployed."
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    allow_data_loss: Annotated[
        bool, typer.Option("--allow-data-loss", help="Also where the table or a queue is replaced or removed.")
    ] = False,
    artifact_bucket: Annotated[
        str | None,
        typer.Option(metavar="BUCKET", help="Put the code archive into this bucket of yours, not into ftask's own."),
    ] = None,
    print_template: Annotated[
        bool, typer.Option("--print-template", help="Print the CloudFormation template and do nothing.")
    ] = False,
    print_policy: Annotated[
        bool, typer.Option("--print-policy", help="Print the IAM policy that deploying needs and do nothing.")
    ] = False,
) -> None:
    """Deploy the stack, or bring it up to date; the plan is shown before it runs."""
    from ftask.deploy.deployment import Deployment
    from ftask.deploy.package import read_template
    from ftask.deploy.parameters import parse_overrides
    from ftask.policy.commands import DEPLOYING

    if print_template:
        print(read_template(), end="")  # noqa: T201 - YAML in either output format
        return
    configured = run.config.stage(run.options.stage)
    overrides = configured.overrides() | parse_overrides(param or [])
    own_bucket = artifact_bucket or configured.artifact_bucket
    if print_policy:
        policy.print_policy(run, DEPLOYING, overrides, own_bucket)
        return
    deployment = Deployment(run.target, overrides, configured.tags, own_bucket)
    if not _repair(run, deployment, yes=yes, dry_run=dry_run):
        return
    _deploy(run, deployment, yes=yes, dry_run=dry_run, allow_data_loss=allow_data_loss)


def _repair(run: Invocation, deployment: Deployment, *, yes: bool, dry_run: bool) -> bool:
    """Repair what an earlier deployment left; False where a dry run ends before that."""
    before = deployment.existing()
    if before.stack is None or before.repair is None:
        return True
    state = f"Stack {run.target.stack_name} is {before.stack.status}."
    if dry_run:
        value = {"stack": run.target.stack_name, "repair": str(before.repair), "deployed": False}
        run.screen.result(value, lambda: f"{state} Would {before.repair}, and then plan. Nothing changed (--dry-run).")
        return False
    run.confirm(f"{state} {str(before.repair).capitalize()}?", yes=yes)
    deployment.repair(before)
    return True


def _deploy(run: Invocation, deployment: Deployment, *, yes: bool, dry_run: bool, allow_data_loss: bool) -> None:
    """Plan, show the plan, and run it once it is confirmed."""
    from ftask.core.errors import FtaskError
    from ftask.deploy.existing import how_to_stop
    from ftask.deploy.plan import refuse_data_loss
    from ftask.render import deploy as stacks

    target, screen = run.target, run.screen
    plan = deployment.plan()
    value = stacks.plan_json(plan)
    if not plan.changes:
        screen.result(value | {"deployed": False}, lambda: f"No changes: {plan.stack_name} is up to date.")
        return
    screen.picture(stacks.plan_table(plan))
    if dry_run:
        deployment.drop(plan)
        screen.result(value | {"deployed": False}, lambda: "Nothing changed (--dry-run).")
        return
    verb = "Create" if plan.creates_stack else "Change"
    try:
        if not allow_data_loss:
            refuse_data_loss(plan)
        run.confirm(f"{verb} stack {plan.stack_name} in {target.region_name}?", yes=yes)
        is_new = deployment.upload()
        screen.note(f"Code archive {deployment.code.key} ({'uploaded' if is_new else 'unchanged'}).")
    except (FtaskError, KeyboardInterrupt):
        deployment.drop(plan)
        raise
    stop = how_to_stop(plan.stack_name, "CREATE_IN_PROGRESS" if plan.creates_stack else "UPDATE_IN_PROGRESS")
    run.if_interrupted = (
        f"CloudFormation goes on with stack {plan.stack_name}. Run ftask deploy again to see how it ended{stop}"
    )
    _stream(run, deployment.run(plan))
    run.if_interrupted = f"Stack {plan.stack_name} is deployed."
    outputs = run.outputs
    screen.result(
        value | {"deployed": True, "apiUrl": outputs.api_url},
        lambda: f"Deployed {plan.stack_name}. The API is at {outputs.api_url}",
    )


def remove(
    run: Invocation,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep tasks, messages and logs; ftask deploy brings the rest back.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete the stack and everything in it: tasks, queues, functions, logs, code archives.

    A stage that was deployed with DeletionProtection=true is refused, unless its data is kept.
    """
    from ftask.aws.stack import command_on
    from ftask.deploy import apply
    from ftask.render import remove as stacks

    target = run.target
    removal = apply.prepare_removal(target, keep_data=keep_data)
    what = stacks.removal_json(target.stack_name, removal)
    if keep_data and not removal.resources:
        run.screen.result(what, lambda: f"{target.stack_name} was taken down to its data before.")
        return
    run.screen.picture(stacks.removal_table(removal))
    stage = f"stack {target.stack_name} in {target.region_name}"
    question = (
        f"Take down {stage} and keep its tasks and messages?"
        if keep_data
        else f"Delete {stage} with all its tasks and dead letters?"
    )
    if run.config.stage(target.stage_name).protected:
        run.confirm_protected(question)
    else:
        run.confirm(question, yes=yes)
    if keep_data:
        _keep_data(run)
        back = command_on(target, "deploy")
        text = f"Took down {target.stack_name}; its tasks and messages are kept. Bring it back with: {back}"
        run.screen.result(what, lambda: text)
        return
    run.if_interrupted = "CloudFormation goes on with the deletion. Run ftask remove again to see it end."
    _stream(run, apply.remove(target, removal))
    run.screen.result(what, lambda: f"Removed {target.stack_name}.")


def _keep_data(run: Invocation) -> None:
    from ftask.deploy import apply
    from ftask.deploy.plan import plan_data_only, refuse_data_loss

    plan = plan_data_only(run.target)
    refuse_data_loss(plan)
    run.if_interrupted = "CloudFormation goes on with it. Run ftask remove --keep-data again to see how it ended."
    _stream(run, apply.apply(run.target, plan))


def info(run: Invocation) -> None:
    """Show where the stage's parts are, how full its queues are, and how it is set."""
    from ftask.ops.info import describe_stage
    from ftask.render.info import info_table

    value = describe_stage(run.stage)
    run.screen.result(value, lambda: info_table(value))


def _stream(run: Invocation, events: Iterable[StackEvent]) -> None:
    from ftask.render.deploy import event_line

    for event in events:
        if event.of_stack or not event.status.endswith("_IN_PROGRESS"):
            run.screen.note(event_line(event))
