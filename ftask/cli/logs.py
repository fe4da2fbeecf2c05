"""`ftask logs`: what the functions logged."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Annotated

import typer

from ftask.cli.invocation import Invocation, UsageError
from ftask.cli.when import parse_when

# Between two looks at CloudWatch Logs, whose events take seconds to appear there.
AWS_ROUND_SECONDS = 2.0
EMULATOR_ROUND_SECONDS = 0.3


def logs(
    run: Invocation,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what comes; Ctrl-C ends it.")] = False,
    task: Annotated[str | None, typer.Option(metavar="ID", help="Only what was logged of this task.")] = None,
    function: Annotated[str | None, typer.Option(metavar="api|worker", help="Only this function.")] = None,
    since: Annotated[str, typer.Option(metavar="WHEN", help="From then on: 10m, 2h, or 2026-03-01T12:00.")] = "10m",
    level: Annotated[
        str, typer.Option(metavar="LEVEL", help="From this level up: DEBUG, INFO, WARNING, ERROR.")
    ] = "DEBUG",
) -> None:
    """Show what the functions logged, oldest first; with -o json one line an event, as it was logged."""
    from ftask.core.timestamps import now
    from ftask.ops.logs import LEVELS, EventFilter, LogReader, groups_of
    from ftask.render.logs import event_json, event_text

    if function not in (None, "api", "worker"):
        raise UsageError(f"--function {function!r} is neither api nor worker.")
    if level.upper() not in LEVELS:
        raise UsageError(f"--level {level!r} is none.", f"Choose one of {', '.join(LEVELS)}.")
    groups = groups_of(run.outputs, (function,) if function else ("api", "worker"))
    begin = parse_when(since, "--since") or now() - timedelta(minutes=10)
    reader = LogReader(run.target, groups, EventFilter(task, level.upper()), begin)
    shown = 0
    while True:
        for event in reader.look():
            run.screen.line(event_json(event), event_text(event, run.screen.out.width))
            shown += 1
        if not follow:
            break
        time.sleep(run.target.choose(aws=AWS_ROUND_SECONDS, emulator=EMULATOR_ROUND_SECONDS))
    if not shown:
        run.screen.note("Nothing was logged in that time; look further back with --since.")
