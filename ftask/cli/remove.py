"""`ftask remove`: delete the stack, or all of it but its data."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.aws.stack import DATA_ONLY, command_on
from ftask.cli.deploying import show_events
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import Yes
from ftask.deploy import apply
from ftask.deploy.plan import dropped_unless_begun, plan_managed, refuse_data_loss
from ftask.render.deploy import removal_table


def remove(
    run: Invocation,
    keep_data: Annotated[
        bool, typer.Option("--keep-data", help="Keep tasks, messages and logs; ftask deploy restores the rest.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Delete the stack and everything in it: tasks, queues, functions, logs, code archives.

    Refuses a stage that was deployed with DeletionProtection=true, unless --keep-data is given. Where the stack has
    termination protection, asks for the name of the stage, and takes the protection off.

    Examples:
        ftask remove --stage test
        ftask remove --stage test --keep-data
    """
    target = run.target
    removal = apply.prepare_removal(target, keep_data=keep_data)
    value = removal.json()
    if keep_data and not removal.resources:
        run.screen.result(value, lambda: f"{target.stack_name} was taken down to its data before.")
        return
    run.screen.picture(removal_table(removal))
    stage = f"stack {target.stack_name} in {target.region_name}"
    question = (
        f"Take down {stage} and keep its tasks and messages?"
        if keep_data
        else f"Delete {stage} with all its tasks and dead letters?"
    )
    if removal.is_protected or run.config.stage(target.stage_name).protected:
        run.confirm_protected(question)
    else:
        run.confirm(question, yes=yes)
    if keep_data:
        _keep_data(run)
        back = command_on(target, "deploy")
        text = f"Took down {target.stack_name}; its tasks, messages and schedules are kept. Bring it back with: {back}"
        run.screen.result(value, lambda: text)
        return
    again = command_on(target, "remove")
    run.if_interrupted = f"CloudFormation continues the deletion. To follow it, run: {again}"
    show_events(run, apply.remove(target, removal))
    run.screen.result(value, lambda: f"Removed {target.stack_name}.")


def _keep_data(run: Invocation) -> None:
    plan = plan_managed(run.target, DATA_ONLY, "true")
    with dropped_unless_begun(run.target, plan):
        refuse_data_loss(plan)
        events = apply.apply(run.target, plan)
    again = command_on(run.target, "remove --keep-data")
    run.if_interrupted = f"CloudFormation continues. To see how it ended, run: {again}"
    show_events(run, events)
