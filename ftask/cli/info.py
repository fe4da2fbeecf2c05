"""`ftask info`: the parts, queues and settings of a stage."""

from __future__ import annotations

from ftask.cli.invocation import Invocation


def info(run: Invocation) -> None:
    """Show the stage's URLs and resources, the depth of its queues, and its settings."""
    from ftask.ops.info import overview
    from ftask.render.stacks import info_table

    value = overview(run.target)
    run.screen.result(value, lambda: info_table(value))
