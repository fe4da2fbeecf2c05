"""`ftask logs`: what the functions logged."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from ftask.cli import completion
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import require_id
from ftask.cli.usage import parse_choice
from ftask.cli.when import parse_when

FUNCTIONS = ("api", "worker")
# Between two looks at CloudWatch Logs, whose events take seconds to appear there.
AWS_ROUND_SECONDS = 2.0
EMULATOR_ROUND_SECONDS = 0.3


def logs(
    run: Invocation,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new events until Ctrl-C.")] = False,
    task: Annotated[
        str | None,
        typer.Option(
            callback=require_id, autocompletion=completion.task_ids, metavar="ID", help="Only events of this task."
        ),
    ] = None,
    task_type: Annotated[
        str | None, typer.Option("--type", metavar="TYPE", help="Only events of tasks of this type.")
    ] = None,
    function: Annotated[
        str | None,
        typer.Option(
            metavar="api|worker",
            autocompletion=completion.functions,
            help="Only events of this function.",
        ),
    ] = None,
    since: Annotated[
        str,
        typer.Option(metavar="WHEN", help="From this time on: a duration like 30m or a time like 2026-11-24T09:00Z."),
    ] = "10m",
    level: Annotated[
        str,
        typer.Option(
            metavar="LEVEL",
            autocompletion=completion.levels,
            help="Minimum level: DEBUG, INFO, WARNING or ERROR.",
        ),
    ] = "DEBUG",
) -> None:
    """Show what the functions logged, oldest first; -o json prints each event as a JSON line, as it was logged.

    Examples:
        ftask logs --follow --level WARNING
        ftask logs --task ID --since 2h
    """
    from ftask.aws.polling import rounds
    from ftask.core.timestamps import now
    from ftask.ops.logs import LEVELS, EventFilter, LogReader, log_groups
    from ftask.render.logs import event_json, event_text

    functions = FUNCTIONS if function is None else (parse_choice("--function", function, FUNCTIONS),)
    task_id = None if task is None else run.task_id(task)
    events = EventFilter(task_id, parse_choice("--level", level, tuple(LEVELS)), task_type)
    begin = parse_when(since, "--since") or now() - timedelta(minutes=10)
    reader = LogReader(run.target, log_groups(run.outputs, functions), events, begin)
    if follow:
        run.if_interrupted = None
    has_events = False
    pause = run.target.choose(aws=AWS_ROUND_SECONDS, emulator=EMULATOR_ROUND_SECONDS)
    for _ in rounds(pause, timeout_seconds=None if follow else 0):
        for event in reader.look():
            run.screen.line(event_json(event), event_text(event, run.screen.out.width))
            has_events = True
    if not has_events:
        run.screen.note(f"Nothing was logged since {since}. Look further back with: --since 2h")
