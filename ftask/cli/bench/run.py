"""`ftask bench`: run the experiment."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ftask.cli.bench.report import require_writable, write_report
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation, UsageError
from ftask.core.errors import FtaskError
from ftask.core.text import plural

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ftask.bench.cost import Prices
    from ftask.bench.expectation import Expectation
    from ftask.bench.experiment import Experiment, Observed, Progress
    from ftask.bench.result import Cost, Result


# Without a terminal, how far a run has come is said so often.
SECONDS_BETWEEN_LINES = 5.0
MAX_TASKS = 1_000_000


def bench(
    run: Invocation,
    tasks: Annotated[int, typer.Option("--tasks", "-n", min=1, max=MAX_TASKS, help="How many tasks to submit.")] = 200,
    rate: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="PER_SECOND", help="Submit at this rate, at random moments of a seed."),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", "-c", min=1, max=16, help="Clients that submit at once; 8 unless told."),
    ] = None,
    batch: Annotated[
        int | None, typer.Option(min=1, max=100, help="Tasks a request of such a client; 10 unless told.")
    ] = None,
    message: Annotated[
        str, typer.Option("--message", "-m", metavar="TEXT", help="What the tasks say; SUCCESS and ERROR are certain.")
    ] = "BENCH",
    timeout: Annotated[
        float | None, typer.Option(min=0, metavar="SECONDS", help="Stop after this long; exit code 4.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the moments that --rate submits at.")] = 0,
    prices: Annotated[
        str | None, typer.Option(metavar="FILE.toml", help="Prices to use in place of the built-in list.")
    ] = None,
    report: Annotated[
        str | None, typer.Option(metavar="FILE.html", help="Also write a report, to be opened in a browser.")
    ] = None,
    save: Annotated[
        str | None, typer.Option(metavar="FILE.json", help="Also write the result, for compare and report.")
    ] = None,
) -> ExitCode:
    """Submit tasks, follow each to its end, and hold what happened against what the stage's settings promise.

    Exit code 1 says that an invariant is broken: a task lost, run too often, or failed without a dead letter. A
    statistical surprise alone is reported, not an error.
    """
    from ftask.aws.api import ApiClient
    from ftask.bench.cost import read_prices
    from ftask.bench.expectation import expected
    from ftask.bench.experiment import DEFAULT_BATCH, DEFAULT_CONCURRENCY, Experiment, Settings
    from ftask.render.bench import summary

    if rate is not None and (concurrency is not None or batch is not None):
        raise UsageError("Give --rate, or --concurrency and --batch: arrivals at a rate come one by one.")
    require_writable(report, save)
    if report is not None:
        from ftask.bench.report import require_installed

        require_installed()
    price_list = read_prices(prices)
    size = 1 if rate is not None else batch or DEFAULT_BATCH
    settings = Settings(tasks, message, concurrency or DEFAULT_CONCURRENCY, size, rate, seed, timeout)
    stage = run.stage
    parameters = stage.stack.parameters
    expectation = expected(message, parameters)
    experiment = Experiment(stage, ApiClient(run.target, run.outputs.api_url), settings)
    _watch(run, experiment)
    observed = experiment.observed()
    if not observed.sent:
        raise observed.refusals[0] if observed.refusals else FtaskError("Interrupted before any task was accepted.")
    result = _result(run, experiment, expectation, parameters, price_list)
    if save is not None:
        Path(save).write_text(json.dumps(result.dump(), ensure_ascii=False) + "\n")
    if report is not None:
        write_report(run, result, report)
    run.screen.result(result.dump(), lambda: summary(result))
    if result.open:
        why = {"interrupted": "Interrupted", "timed out": "The time was over"}[result.stopped or "timed out"]
        run.screen.warn(
            f"{why}: nothing more was submitted, and {plural(result.open, 'task')} had not ended. They go on."
        )
    if result.stopped == "interrupted":
        return ExitCode.INTERRUPTED
    if result.broken:
        return ExitCode.FAILED
    return ExitCode.TIMED_OUT if result.stopped else ExitCode.DONE


def _watch(run: Invocation, experiment: Experiment) -> None:
    """Drive the experiment and show how it goes."""

    from ftask.render.bench import progress, progress_line

    screen = run.screen
    if screen.live:
        with screen.drawing("", transient=True) as live:
            experiment.run(lambda seen: live.update(progress(seen), refresh=True))
        return
    next_line = time.monotonic() + SECONDS_BETWEEN_LINES

    def say(seen: Progress) -> None:
        nonlocal next_line
        if time.monotonic() >= next_line:
            next_line = time.monotonic() + SECONDS_BETWEEN_LINES
            screen.note(progress_line(seen))

    experiment.run(say)


def _result(
    run: Invocation, experiment: Experiment, expectation: Expectation, parameters: Mapping[str, str], price_list: Prices
) -> Result:
    from ftask.bench.analysis import analyse

    observed = experiment.observed()
    cost, notes = _cost(run, observed, parameters, price_list)
    return analyse(
        observed,
        experiment.settings,
        expectation,
        parameters,
        stage=run.target.stage_name,
        region=run.target.region_name,
        cost=cost,
        notes=notes,
    )


def _cost(
    run: Invocation, observed: Observed, parameters: Mapping[str, str], price_list: Prices
) -> tuple[Cost | None, list[str]]:
    from ftask.bench.cost import Sizes, cost
    from ftask.bench.usage import measure

    # An attempt that ended was begun, and both were logged.
    started = sum(attempt.ended_at is not None for task in observed.tasks.values() for attempt in task.history)
    # Who stopped early does not want to wait for logs.
    usage = measure(run.stage, observed.started_at, len(observed.sent), started, patiently=observed.stopped is None)
    sizes = Sizes(float(parameters["ApiMemory"]), float(parameters["WorkerMemory"]))
    measured_on = run.target.choose(aws="AWS", emulator="this machine")
    found = cost(usage, len(observed.sent), sizes, price_list, measured_on)
    notes = []
    if found is None:
        notes.append("the functions' logs told nothing yet, so there is no cost")
    elif not usage.complete:
        notes.append("some of the functions' logs had not arrived, so the cost is too low")
    return found, notes
