"""`ftask ls`, `cancel`, `pause`, `resume` and `logs`: many tasks, and the worker as a whole."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.command import command
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation, UsageError
from ftask.cli.selecting import ErrorText, Since, selection
from ftask.cli.when import parse_when
from ftask.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ftask.ops.scan import Page

# Between two looks at CloudWatch Logs, whose events take seconds to appear there.
AWS_ROUND_SECONDS = 2.0
EMULATOR_ROUND_SECONDS = 0.3


def add_to(app: typer.Typer) -> None:
    command(app)(ls)
    command(app)(cancel)
    command(app)(pause)
    command(app)(resume)
    command(app)(logs)


def ls(
    run: Invocation,
    status: Annotated[
        str | None, typer.Option(metavar="STATUS", help="Only tasks in this state, like FAILED or PENDING.")
    ] = None,
    since: Since = None,
    error: ErrorText = None,
    limit: Annotated[int, typer.Option(min=0, help="At most so many, the newest; 0 for all.")] = 50,
) -> None:
    """List tasks, newest first. FAILED ones come from an index; for any other state the whole table is read."""
    from ftask.core.codec import task_to_json
    from ftask.core.model import Status
    from ftask.core.timestamps import now
    from ftask.dead_letters.selection import failures
    from ftask.ops.scan import newest, scan_by_status
    from ftask.render import dead_letters as pictures
    from ftask.render.tasks import task_table

    screen = run.screen
    wanted = None
    if status is not None:
        if status.upper() not in Status.__members__:
            raise UsageError(f"{status!r} is no state of a task.", f"Choose one of {', '.join(Status)}.")
        wanted = Status[status.upper()]
    if wanted is Status.FAILED:
        found = list(islice(failures(run.stage, selection(error, since, None)), limit or None))
        screen.result([each.json() for each in found], lambda: pictures.failed_table(found, now()))
        screen.note(f"{plural(len(found), 'task')}.")
        return
    read = 0

    def counted(pages: Iterator[Page]) -> Iterator[Page]:
        nonlocal read
        for page in pages:
            read += page.read
            yield page

    pages = scan_by_status(run.stage, wanted, parse_when(since, "--since"), error)
    tasks = newest(counted(screen.spinning(pages, "reading the whole table: pages")), limit)
    screen.result([task_to_json(task) for task in tasks], lambda: task_table(tasks, now()))
    screen.note(f"{plural(len(tasks), 'task')}; {plural(read, 'item')} of the table read.")


def cancel(
    run: Invocation,
    task_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="The tasks' ids.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> ExitCode:
    """Cancel tasks that have not ended. A running attempt may end, and is not retried."""
    from ftask.aws.errors import translate_aws_errors
    from ftask.core.cancellation import Cancellation

    stage, screen = run.stage, run.screen
    canceller = stage.canceller
    task_ids = list(dict.fromkeys(task_ids))
    run.confirm(f"Cancel {plural(len(task_ids), 'task')}?", yes=yes)
    said = {
        Cancellation.CANCELLED: "cancelled",
        Cancellation.REQUESTED: "an attempt is running: it may end, and no other will follow",
        Cancellation.ENDED: "had ended before",
        Cancellation.UNKNOWN: "there is no such task",
        Cancellation.BUSY: "changed each time it was looked at; cancel it again",
    }
    answers = []
    for task_id in task_ids:
        if stage.task(task_id) is None:
            outcome, task = Cancellation.UNKNOWN, None
        else:
            with translate_aws_errors():
                outcome, task = canceller.cancel(task_id)
        answers.append((task_id, outcome, task))
    value = [
        {"taskId": task_id, "outcome": str(outcome), "status": str(task.status) if task else None}
        for task_id, outcome, task in answers
    ]
    lines = [
        f"{task_id}  {said[outcome]}" + (f" ({task.status})" if task and outcome is Cancellation.ENDED else "")
        for task_id, outcome, task in answers
    ]
    screen.result(value, lambda: "\n".join(lines))
    done = {Cancellation.CANCELLED, Cancellation.REQUESTED}
    return ExitCode.DONE if all(outcome in done for _, outcome, _ in answers) else ExitCode.FAILED


def pause(
    run: Invocation,
    wait: Annotated[bool, typer.Option("--wait", "-w", help="Return when nothing is in flight any more.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Stop waiting after this long; exit code 4.")
    ] = None,
) -> ExitCode:
    """Stop consuming: tasks are still accepted, and wait. Nothing is lost, and no attempt is used."""
    from ftask.ops import consumption

    stage, screen = run.stage, run.screen
    run.if_interrupted = "Lambda goes on with the change. See how it stands with: ftask info"
    changed = consumption.switch(stage, enabled=False)
    run.if_interrupted = "Consumption is paused. Start it again with: ftask resume"
    left = 0
    if wait:
        started = time.monotonic()
        for left in screen.spinning(consumption.in_flight(stage), "waiting until nothing is in flight"):
            if timeout is not None and time.monotonic() - started > timeout:
                screen.warn(f"Still in flight after {timeout:g} s: {left:,} messages.")
                break
    text = "Paused." if changed else "It was paused already."
    screen.result(
        {"state": "Disabled", "changed": changed} | ({"inFlight": left} if wait else {}),
        lambda: f"{text} Tasks are accepted and wait; start again with: ftask resume",
    )
    return ExitCode.TIMED_OUT if left else ExitCode.DONE


def resume(run: Invocation) -> None:
    """Consume again."""
    from ftask.ops import consumption

    run.if_interrupted = "Lambda goes on with the change. See how it stands with: ftask info"
    changed = consumption.switch(run.stage, enabled=True)
    text = "Consuming again." if changed else "It was consuming already."
    run.screen.result({"state": "Enabled", "changed": changed}, lambda: text)


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
    from ftask.ops.logs import LEVELS, EventFilter, LogReader, log_groups
    from ftask.render.logs import event_json, event_text

    if function not in (None, "api", "worker"):
        raise UsageError(f"--function {function!r} is neither api nor worker.")
    if level.upper() not in LEVELS:
        raise UsageError(f"--level {level!r} is none.", f"Choose one of {', '.join(LEVELS)}.")
    groups = log_groups(run.outputs, (function,) if function else ("api", "worker"))
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
