"""`ftask run`: run one task here."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from contextlib import redirect_stdout
from random import Random
from typing import Annotated

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.project import load_project
from ftask.cli.task_arguments import as_json, parse_arguments, read_payload
from ftask.cli.usage import UsageError
from ftask.core.codec import task_to_json
from ftask.core.model import EXPERIMENT_TYPE, Status, Task
from ftask.core.payload import JsonObject
from ftask.core.ranges import RANGES
from ftask.core.timestamps import now
from ftask.render.tasks import attempt_line, result_text
from ftask.tasks.declaration import Registry
from ftask.tasks.manifest import build_manifest
from ftask.tasks.trial import SkippingClock, new_task, run_to_end


def run(
    run: Invocation,
    task_type: Annotated[str, typer.Argument(metavar="TYPE", help="Type of the task, or experiment.")],
    arguments: Annotated[
        list[str] | None,
        typer.Argument(metavar="[KEY=VALUE]...", help="key=value for a text, key:=json for any JSON value."),
    ] = None,
    payload: Annotated[
        str | None,
        typer.Option(metavar="JSON", help="The payload as one JSON object; @FILE reads a file, - reads stdin."),
    ] = None,
    attempt: Annotated[int, typer.Option(min=1, metavar="N", help="Number of the first attempt.")] = 1,
    max_attempts: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=RANGES["MaxAttempts"][1],
            metavar="N",
            help="Attempts before the task fails (default: the type's, else 2).",
        ),
    ] = None,
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Do not wait for the backoff between attempts.")] = False,
) -> ExitCode:
    """Run a task of this project in this process: no stage, no queue, no AWS. Exit code 3 if it fails.

    Each attempt, its retry and its backoff are as a worker has them, and breakpoint() works. What the task prints goes
    to stderr where stdout is not a terminal.

    Examples:
        ftask run greet name=Ada
        ftask run experiment message=ERROR --no-wait
    """
    if payload is not None and arguments:
        raise UsageError("Give either key=value arguments or --payload.")
    if max_attempts is not None and attempt > max_attempts:
        raise UsageError(f"--attempt {attempt} is more than --max-attempts {max_attempts}.")
    given = parse_arguments(arguments or ()) if payload is None else read_payload(payload)
    if run.screen.json or not sys.stdout.isatty():
        with redirect_stdout(sys.stderr):
            task = _run(run, task_type, given, arguments or (), attempt, max_attempts, no_wait=no_wait)
    else:
        task = _run(run, task_type, given, arguments or (), attempt, max_attempts, no_wait=no_wait)
    return _show(run, task)


def _run(
    run: Invocation,
    type_name: str,
    payload: JsonObject,
    arguments: Sequence[str],
    attempt: int,
    max_attempts: int | None,
    *,
    no_wait: bool,
) -> Task:
    # As on a worker, but readable.
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(levelname)s  %(name)s: %(message)s")
    registry = Registry() if type_name == EXPERIMENT_TYPE else load_project(run)
    task_type = build_manifest(registry).with_experiment().resolve(type_name)
    problem = task_type.check(payload) or task_type.check_values(payload)
    if problem is not None:
        raise UsageError(problem, as_json(problem, arguments))
    clock = SkippingClock(now) if no_wait else None
    task = new_task(task_type, payload, now(), attempt, max_attempts)
    rng = Random()  # noqa: S311 - backoff jitter and a simulated error rate, no secret
    for end in run_to_end(task, task_type, registry, clock or now, clock.skip if clock else time.sleep, rng):
        task = end.task
        # With --quiet, only why the task failed.
        say = run.screen.warn if task.status is Status.FAILED else run.screen.note
        if end.traceback is not None:
            say(end.traceback)
        say(attempt_line(task))
    return task


def _show(run: Invocation, task: Task) -> ExitCode:
    is_completed = task.status is Status.COMPLETED
    if is_completed or run.screen.json:
        run.screen.result(task_to_json(task), lambda: result_text(task))
    return ExitCode.DONE if is_completed else ExitCode.TASK_FAILED
