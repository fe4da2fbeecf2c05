"""`ftask deploy`: create the stack or bring it up to date."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated

import typer

from ftask.aws.stack import command_on
from ftask.cli import policy
from ftask.cli.deploying import (
    ArtifactBucket,
    Param,
    Upgrade,
    confirm_other_project,
    deployed_project,
    deployment_of,
    remember_project,
    show_events,
)
from ftask.cli.invocation import Invocation
from ftask.cli.project import load_project
from ftask.cli.selecting import Yes
from ftask.core.errors import FtaskError
from ftask.core.text import plural
from ftask.deploy.apply import DeploymentError
from ftask.deploy.deployment import Deployment, final_template
from ftask.deploy.existing import carry_out_repair, find_existing, how_to_stop, needed_repair
from ftask.deploy.parameters import parse_overrides
from ftask.deploy.plan import Previous, discard_plan, dropped_unless_begun, plan_return, read_previous, refuse_data_loss
from ftask.policy.commands import DEPLOYING
from ftask.render.deploy import import_times, plan_table
from ftask.tasks.manifest import build_manifest


def deploy(
    run: Invocation,
    param: Param = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    allow_data_loss: Annotated[
        bool, typer.Option("--allow-data-loss", help="Deploy even if the table or a queue is replaced or removed.")
    ] = False,
    artifact_bucket: ArtifactBucket = None,
    role_arn: Annotated[
        str | None,
        typer.Option(
            "--role-arn",
            metavar="ARN",
            help="Service role in whose name CloudFormation works; the stack keeps it (default: your own permissions).",
        ),
    ] = None,
    upgrade: Upgrade = False,
    print_template: Annotated[
        bool, typer.Option("--print-template", help="Only print the CloudFormation template.")
    ] = False,
    print_policy: Annotated[
        bool,
        typer.Option(
            "--print-policy", help="Only print the IAM policy that deploying, or with --dry-run planning, needs."
        ),
    ] = False,
) -> None:
    """Create or update the stack, after showing the plan.

    Examples:
        ftask deploy --stage prod --dry-run
        ftask deploy --stage prod --param ErrorRate=0.1 --yes
    """
    if print_template:
        print(_template(run), end="")  # noqa: T201 - YAML in either output format
        return
    configured = run.config.stage(run.stage_name)
    overrides = configured.overrides() | parse_overrides(param or [])
    own_bucket = artifact_bucket or configured.artifact_bucket
    role_arn = role_arn or configured.role_arn
    if print_policy:
        policy.print_policy(run, DEPLOYING, overrides, own_bucket, role_arn, only_plans=dry_run)
        return
    project = run.config.project(run.stage_name)
    deployment = deployment_of(run, project, overrides, own_bucket, role_arn, upgrade=upgrade)
    deployment.build()
    if _repair(run, yes=yes, dry_run=dry_run):
        _deploy(run, deployment, yes=yes, dry_run=dry_run, allow_data_loss=allow_data_loss)


def _template(run: Invocation) -> str:
    project = run.config.project(run.stage_name)
    if project is None:
        return final_template(None, (), run.screen.warn)
    with redirect_stdout(sys.stderr):  # what the module prints is not part of the template
        types = build_manifest(load_project(run)).types
    return final_template(project, types, run.screen.warn)


def _repair(run: Invocation, *, yes: bool, dry_run: bool) -> bool:
    """Repair what a failed deployment left; return False where a dry run ends before that."""
    before = find_existing(run.target)
    if before is None or (repair := needed_repair(before)) is None:
        return True
    state = f"Stack {run.target.stack_name} is {before.status}."
    if dry_run:
        value = {"stack": run.target.stack_name, "repair": str(repair), "deployed": False}
        run.screen.result(value, lambda: f"{state} Would {repair}, and then plan. Nothing changed (--dry-run).")
        return False
    run.confirm(f"{state} {str(repair).capitalize()}?", yes=yes)
    carry_out_repair(before)
    return True


def _deploy(run: Invocation, deployment: Deployment, *, yes: bool, dry_run: bool, allow_data_loss: bool) -> None:
    target, screen = run.target, run.screen
    plan = deployment.plan()
    value = plan.json()
    if not plan.changes:
        if not dry_run:
            deployment.protect()
            _require_worker(run, deployment, None, None, yes=yes)
        screen.result(value | {"deployed": False}, lambda: f"No changes: {plan.stack_name} is up to date.")
        return
    if dry_run:
        discard_plan(target, plan)
        screen.picture(plan_table(plan))
        screen.result(value | {"deployed": False}, lambda: "Nothing changed (--dry-run).")
        return
    verb = "Create" if plan.creates_stack else "Change"
    with dropped_unless_begun(target, plan):
        screen.picture(plan_table(plan))
        if not allow_data_loss:
            refuse_data_loss(plan)
        if deployment.project is not None:
            confirm_other_project(run, deployment.project, yes=yes)
        removes = f" and remove {plural(len(plan.types.removed), 'task type')}" if plan.types.removed else ""
        run.confirm(f"{verb} stack {plan.stack_name} in {target.region_name}{removes}?", yes=yes)
        for archive in deployment.upload():
            screen.note(f"Code archive {archive.key} ({'unchanged' if archive.zipped_bytes is None else 'uploaded'}).")
        previous = read_previous(target, plan)
        events = deployment.run(plan)
    stop = how_to_stop(plan.stack_name, "CREATE_IN_PROGRESS" if plan.creates_stack else "UPDATE_IN_PROGRESS")
    again = command_on(target, "deploy")
    run.if_interrupted = f"CloudFormation continues with stack {plan.stack_name}. See how it ended with: {again}{stop}"
    show_events(run, events)
    run.if_interrupted = f"Stack {plan.stack_name} is deployed."
    earlier = deployed_project(run)
    if deployment.project is not None:
        remember_project(run, deployment.project.root)
    outputs = run.outputs
    _require_worker(run, deployment, previous, earlier, yes=yes)
    if refusal := deployment.await_api(plan, outputs.api_url):
        screen.warn(f"The stack is deployed, but a test request to its API failed. {refusal.message}")
        if refusal.hint:
            screen.note(refusal.hint)
    screen.result(
        value | {"deployed": True, "apiUrl": outputs.api_url, "apiAnswers": refusal is None},
        lambda: f"Deployed {plan.stack_name}. The API is at {outputs.api_url}",
    )


def _require_worker(
    run: Invocation, deployment: Deployment, previous: Previous | None, earlier: Path | None, *, yes: bool
) -> None:
    """Require that the new worker can run tasks; otherwise offer to go back to the `previous` deployment, if any.

    `earlier` is the folder of the project that the stage then has again.

    Raises:
        DeploymentError: the new worker cannot run tasks.
        FtaskError: it cannot be asked.
    """
    try:
        run.screen.note(import_times(deployment.require_worker()))
    except DeploymentError as error:
        if previous is None:
            raise
        run.screen.warn(error.message)
        try:
            run.confirm("Go back to the previous deployment?", yes=yes)
        except FtaskError:
            raise DeploymentError("The new worker cannot run tasks, and stays.", error.hint) from None
        raise _gone_back(run, deployment, previous, earlier) from None


def _gone_back(run: Invocation, deployment: Deployment, previous: Previous, earlier: Path | None) -> DeploymentError:
    plan = plan_return(run.target, previous)
    with dropped_unless_begun(run.target, plan):
        refuse_data_loss(plan)
        events = deployment.run(plan)
    run.if_interrupted = f"CloudFormation continues to go back. See the stack with: {command_on(run.target, 'info')}"
    show_events(run, events)
    remember_project(run, earlier)
    checked = deployment.check()
    if checked.failures:
        text = f"The previous deployment is back, and cannot run tasks either. {checked.short_text}"
        return DeploymentError(text, checked.advice(run.target))
    text = "The new worker cannot run tasks, as said above. The previous deployment is back, and runs them."
    return DeploymentError(text, f"Correct the project, then run: {command_on(run.target, 'deploy')}")
