"""Recreate the worker's event source mapping after somebody deleted it."""

from __future__ import annotations

import time
from collections.abc import Callable

from ftask.aws.stack import HAS_WORKER_SOURCE
from ftask.aws.target import Target
from ftask.deploy.apply import apply
from ftask.deploy.plan import dropped_unless_begun, plan_parameter


def restore_worker_source(target: Target, sleep: Callable[[float], None] = time.sleep) -> None:
    """Take the mapping out of the stack and put it back in, in two updates of the stack.

    CloudFormation does not notice that a resource was deleted without it, so a deployment finds no change. Interrupted
    between the updates, `ftask deploy` puts the mapping back too.
    https://repost.aws/knowledge-center/failing-stack-updates-deleted

    Raises:
        FtaskError: the stack cannot be changed, or the change failed.
    """
    for value in ("false", "true"):
        plan = plan_parameter(target, HAS_WORKER_SOURCE, value, "recreate its event source mapping", sleep)
        with dropped_unless_begun(target, plan):
            events = apply(target, plan, sleep)
        for _ in events:
            pass
