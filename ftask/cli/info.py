"""`ftask info`: the parts, queues and settings of a stage."""

from __future__ import annotations

from ftask.cli.invocation import Invocation
from ftask.ops.consumption import DISABLED
from ftask.ops.info import describe_stage
from ftask.render.info import info_table


def info(run: Invocation) -> None:
    """Show the stage's URLs and resources, the depth of its queues, and its settings.

    Examples:
        ftask info --stage prod
    """
    value = describe_stage(run.stage)
    run.screen.result(value, lambda: info_table(value))
    if value["worker"]["state"] != DISABLED and (problem := value["worker"]["problem"]):
        run.screen.warn(problem)
