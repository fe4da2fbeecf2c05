"""What a deployment does once the new worker is there: ask it whether it can run tasks, and go back if it cannot."""

from __future__ import annotations

from ftask.aws.stack import command_on
from ftask.cli.invocation import Invocation
from ftask.cli.stack_events import show_events
from ftask.core.errors import FtaskError
from ftask.deploy.apply import DeploymentError
from ftask.deploy.deployment import Deployment
from ftask.deploy.plan import Previous, refuse_data_loss
from ftask.render.deploy import import_times


def require_worker(run: Invocation, deployment: Deployment, previous: Previous | None, *, yes: bool) -> None:
    """Require that the new worker can run tasks; otherwise offer to go back to the `previous` deployment, if any.

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
        raise _gone_back(run, deployment, previous) from None


def _gone_back(run: Invocation, deployment: Deployment, previous: Previous) -> DeploymentError:
    """Go back; return how the deployment ended."""
    plan = deployment.plan_return(previous)
    with deployment.dropped_unless_begun(plan):
        refuse_data_loss(plan)
        events = deployment.run(plan)
    run.if_interrupted = f"CloudFormation goes on with going back. See the stack with: {command_on(run.target, 'info')}"
    show_events(run, events)
    checked = deployment.check()
    if checked.failures:
        text = f"The previous deployment is back, and cannot run tasks either. {checked.short_text}"
        return DeploymentError(text, checked.advice(run.target))
    text = "The new worker cannot run tasks, as said above. The previous deployment is back, and runs them."
    return DeploymentError(text, f"Correct the project, then run: {command_on(run.target, 'deploy')}")
