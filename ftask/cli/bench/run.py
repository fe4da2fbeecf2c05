"""`ftask bench`: run the experiment."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated

import typer

from ftask.bench.evaluation import evaluate, expected
from ftask.bench.experiment import DEFAULT_BATCH, DEFAULT_CONCURRENCY, Experiment, Progress, Settings
from ftask.bench.prices import read_prices
from ftask.bench.report import require_installed
from ftask.bench.result import INTERRUPTED, TIMED_OUT, Result
from ftask.cli.bench.report import require_writable, write_report
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.usage import UsageError
from ftask.core.errors import FtaskError
from ftask.core.text import plural
from ftask.core.timestamps import now
from ftask.home.private_files import write_private
from ftask.render.bench import progress, progress_line, summary

# Between two lines of progress without a terminal.
SECONDS_BETWEEN_LINES = 5.0
MAX_TASKS = 1_000_000


def bench(
    run: Invocation,
    tasks: Annotated[int, typer.Option("--tasks", "-n", min=1, max=MAX_TASKS, help="Number of tasks to submit.")] = 200,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="PER_SECOND", help="Submit one by one at this rate, at random times."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", "-c", min=1, max=16, help="Clients that submit at once (default 8)."),
    ] = None,
    batch: Annotated[int | None, typer.Option(min=1, max=100, help="Tasks per request (default 10).")] = None,
    message: Annotated[
        str,
        typer.Option("--message", "-m", metavar="TEXT", help="Message of the tasks; SUCCESS and ERROR never vary."),
    ] = "BENCH",
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Stop after this long; exit code 4.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random times of --rate.")] = 0,
    prices: Annotated[
        str | None, typer.Option(metavar="FILE.toml", help="Price list to use instead of the built-in one.")
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="FILE.html", help="Also write a report to open in a browser.")
    ] = None,
    save: Annotated[
        str | None, typer.Option(metavar="FILE.json", help="Also write the result, for compare and report.")
    ] = None,
) -> ExitCode:
    """Submit tasks, follow each to its end, and compare with what the stage's settings promise.

    Exit code 1 means that an invariant is broken: a task lost, run too often, or failed without a dead letter. A
    statistical surprise alone is reported, and is not an error.

    Examples:
        ftask bench --tasks 1000 --report report.html
        ftask bench --rate 5 --save run.json
    """
    if rate is not None and (concurrency is not None or batch is not None):
        raise UsageError("Give either --rate, or --concurrency and --batch: --rate submits one by one.")
    require_writable(report, save)
    if report is not None:
        require_installed()
    price_list = read_prices(prices)
    clients, batch_size = (concurrency or DEFAULT_CONCURRENCY, batch or DEFAULT_BATCH) if rate is None else (None, 1)
    settings = Settings(tasks, message, clients, batch_size, rate, seed, timeout)
    stage = run.stage
    expectation = expected(message, stage.stack)
    experiment = Experiment(stage, run.api, settings)
    _watch(run, experiment)
    observed = experiment.observed
    if observed.failure is not None and not observed.tasks:
        raise observed.failure
    if not observed.sent:
        raise observed.refusals[0] if observed.refusals else FtaskError("Interrupted before any task was accepted.")
    result = evaluate(stage, observed, settings, expectation, price_list)
    if save is not None:
        write_private(Path(save), json.dumps(result.json(), ensure_ascii=False) + "\n")
    if report is not None:
        write_report(run, result, report)
    code = _show(run, result)
    if observed.failure is not None:
        raise FtaskError(
            f"The run ended early: {observed.failure.message} The result is of what was seen until then.",
            observed.failure.hint,
        )
    return code


def _watch(run: Invocation, experiment: Experiment) -> None:
    screen = run.screen
    if screen.live:
        with screen.drawing("", transient=True) as live:
            experiment.run(lambda seen: live.update(progress(seen), refresh=True))
        return
    next_line_at = time.monotonic() + SECONDS_BETWEEN_LINES

    def print_line(seen: Progress) -> None:
        nonlocal next_line_at
        if time.monotonic() >= next_line_at:
            next_line_at = time.monotonic() + SECONDS_BETWEEN_LINES
            screen.note(progress_line(seen, now()))

    experiment.run(print_line)


def _show(run: Invocation, result: Result) -> ExitCode:
    run.screen.result(result.json(), lambda: summary(result))
    if result.open and result.stopped in (INTERRUPTED, TIMED_OUT):
        reason = result.stopped.capitalize()
        run.screen.warn(f"{reason}: submission stopped, and {plural(result.open, 'task')} had not ended. They go on.")
    if result.stopped == INTERRUPTED:
        return ExitCode.INTERRUPTED
    if result.broken:
        return ExitCode.FAILED
    return ExitCode.TIMED_OUT if result.stopped else ExitCode.DONE
