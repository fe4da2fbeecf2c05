"""`ftask info`: the stack at a glance."""

from __future__ import annotations

from ftask.cli.invocation import Invocation


def info(run: Invocation) -> None:
    """Show where the stage's parts are, how full its queues are, and how it is set."""
    from ftask.ops.info import overview
    from ftask.render.stacks import info_table

    value = overview(run.target)
    run.screen.result(value, lambda: info_table(value))
