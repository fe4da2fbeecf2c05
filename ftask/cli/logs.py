"""`ftask logs`: what the functions logged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from re import Pattern
from typing import Annotated

import typer

from ftask.aws.concurrency import rounds
from ftask.cli.invocation import Invocation
from ftask.cli.selecting import ErrorText, LoggedUntil, OnlyTask, TaskType, parse_filter, words
from ftask.cli.usage import InvalidOptionError, UsageError, parse_choice
from ftask.core.timestamps import now
from ftask.ops.logs import LEVELS, EventFilter, LogEvent, LogReader, log_groups
from ftask.render.logs import event_block, event_text, searched_text

FUNCTIONS = ("api", "worker")
DEFAULT_SINCE = timedelta(minutes=10)
# Between two looks at CloudWatch Logs, whose events take seconds to appear there.
AWS_ROUND_SECONDS = 2.0
EMULATOR_ROUND_SECONDS = 0.3


def logs(
    run: Invocation,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Keep printing new events until Ctrl-C.")] = False,
    task: OnlyTask = None,
    task_type: TaskType = None,
    error: ErrorText = None,
    function: Annotated[
        str | None,
        typer.Option(
            metavar="api|worker",
            autocompletion=words(FUNCTIONS),
            help="Only events of this function.",
        ),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="WHEN",
            help="Only events logged at this time or later: a duration like 30m or a time like 2026-11-24T09:00Z."
            " Default: 10m, with --task since its creation.",
        ),
    ] = None,
    until: LoggedUntil = None,
    level: Annotated[
        str,
        typer.Option(
            metavar="LEVEL",
            autocompletion=words(LEVELS),
            help="Minimum level: DEBUG, INFO, WARNING or ERROR.",
        ),
    ] = "DEBUG",
    grep: Annotated[
        str | None,
        typer.Option(
            metavar="PATTERN",
            help="Only events that match this regular expression; without capital letters, it ignores case.",
        ),
    ] = None,
) -> None:
    """Show what the functions and the code of the tasks logged, oldest first.

    -o json prints each event as a JSON line, as it was logged.

    Examples:
        ftask logs --follow --level WARNING
        ftask logs --task ID
        ftask logs --since 2h --error TimeoutError --grep 'order 1[78]'
    """
    functions = FUNCTIONS if function is None else (parse_choice("--function", function, FUNCTIONS),)
    pattern = None if grep is None else parse_pattern(grep)
    if follow and until is not None:
        raise UsageError("--until has no effect with --follow.", "Remove --until or --follow.")
    times = parse_filter(None, since, until, None)
    task_id = None if task is None else run.task_id(task)
    minimum = "WARNING" if level.casefold() == "warn" else parse_choice("--level", level, LEVELS)
    events = EventFilter(task_id, minimum, task_type, error, times.until)
    reader = LogReader(
        run.target, log_groups(run.outputs, functions), events, times.since or _default_begin(run, task_id)
    )
    if follow:
        run.if_interrupted = None
    has_events = False
    pause = run.target.choose(aws=AWS_ROUND_SECONDS, emulator=EMULATOR_ROUND_SECONDS)
    for _ in rounds(pause, timeout_seconds=None if follow else 0):
        shown = [event for event in reader.look() if pattern is None or pattern.search(searched_text(event))]
        print_events(run, shown, pattern)
        has_events = has_events or bool(shown)
    if not has_events:
        run.screen.note(_nothing(since, task_id, is_filtered=EventFilter(task_id) != events or pattern is not None))


def parse_pattern(text: str) -> re.Pattern[str]:
    """Return the expression; one without capital letters ignores case, as journalctl and ripgrep do it."""
    letters = re.sub(r"\\.", "", text)
    try:
        return re.compile(text, re.IGNORECASE if letters == letters.lower() else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise InvalidOptionError("--grep", text, f"a regular expression ({error})") from None


def _default_begin(run: Invocation, task_id: str | None) -> datetime:
    """Return when a task was created, so that all of its events are shown, or some minutes ago."""
    task = None if task_id is None else run.stage.task(task_id)
    return now() - DEFAULT_SINCE if task is None else task.created_at


def _nothing(since: str | None, task_id: str | None, *, is_filtered: bool) -> str:
    what = "Nothing was logged that matches" if is_filtered else "Nothing was logged"
    if since is None and task_id is not None:
        return f"{what}. The log of a new event takes some seconds to appear."
    return f"{what} since {since or '10m'}. Look further back with: --since 2h"


def print_events(run: Invocation, events: Sequence[LogEvent], highlight: Pattern[str] | None = None) -> None:
    """Print the events, one line each, or as JSON lines; in text, what matches `highlight` stands out."""
    screen = run.screen
    ids = run.shown_ids(event.task_id for event in events if event.task_id is not None) if events else {}
    for event in events:
        if screen.json or screen.shows_whole_rows:
            screen.line(event.json(), event_text(event, ids, highlight))
        else:
            screen.line(None, event_block(event, now(), ids, highlight, width=screen.out.width))
