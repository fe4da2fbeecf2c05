"""`ftask bench`: the error-rate experiment."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ftask.cli.command import command, group_command
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
    from ftask.bench.simulation import Cell

app = typer.Typer(name="bench", help="The error-rate experiment: does the stage do what its settings promise?")

# Without a terminal, how far a run has come is said so often.
SECONDS_BETWEEN_LINES = 5.0
MAX_TASKS = 1_000_000


def add_to(parent: typer.Typer) -> None:
    parent.add_typer(app)


@group_command(app)
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
    from ftask.render.bench.summary import summary

    if rate is not None and (concurrency is not None or batch is not None):
        raise UsageError("Give --rate, or --concurrency and --batch: arrivals at a rate come one by one.")
    _require_writable(report, save)
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
        _write_report(run, result, report)
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
    import time

    from ftask.render.bench.progress import progress, progress_line

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


@command(app)
def compare(
    run: Invocation,
    first: Annotated[str, typer.Argument(metavar="A.json", help="A result: ftask bench --save A.json")],
    second: Annotated[str, typer.Argument(metavar="B.json", help="Another.")],
) -> None:
    """Hold two runs side by side, and say which differences are more than noise."""
    from ftask.bench import compare as comparing
    from ftask.bench.result import load
    from ftask.render.bench.compare import comparison

    found = comparing.compare(load(first), load(second))
    run.screen.result(found.json(), lambda: comparison(found, Path(first).stem, Path(second).stem))


@command(app)
def report(
    run: Invocation,
    result: Annotated[str, typer.Argument(metavar="RUN.json", help="A result: ftask bench --save RUN.json")],
    to: Annotated[str, typer.Option("--to", metavar="FILE.html", help="Where to write it.")] = "report.html",
) -> None:
    """Write the report of a run that was saved."""
    from ftask.bench.result import load

    _require_writable(to)
    _write_report(run, load(result), to)


@command(app)
def schema(run: Invocation) -> None:
    """Print the JSON Schema of a result."""
    from ftask.bench.result import schema as described

    print(json.dumps(described(), indent=2))  # noqa: T201 - JSON in either output format


@command(app)
def sweep(
    run: Invocation,
    error_rate: Annotated[
        str, typer.Option("--error-rate", metavar="LIST", help="Error rates to try, like 0.1,0.3,0.5.")
    ] = "0.1,0.3,0.5",
    attempts: Annotated[
        str, typer.Option("--attempts", metavar="RANGE", help="Numbers of attempts to try, like 1..5 or 2,4.")
    ] = "1..5",
    backoff_base: Annotated[float, typer.Option(min=0, max=900, metavar="SECONDS")] = 2.0,
    backoff_cap: Annotated[float, typer.Option(min=0, max=900, metavar="SECONDS")] = 900.0,
    jitter: Annotated[bool, typer.Option("--jitter", help="Full jitter.")] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Also run the protocol over virtual time, without a stage.")
    ] = False,
    tasks: Annotated[
        int, typer.Option("--tasks", "-n", min=1, max=10_000_000, help="Tasks to simulate for each setting.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 0,
) -> ExitCode:
    """Choose attempts and backoff before deploying: what settings come to, in closed form and simulated.

    Exit code 1 if the simulation contradicts the closed forms.
    """
    from ftask.bench.expectation import Expectation
    from ftask.bench.result import SIGNIFICANCE
    from ftask.core.retry import RetryPolicy
    from ftask.render.bench import sweep as pictures

    policy = RetryPolicy(backoff_base, backoff_cap, jitter)
    expectations = [Expectation(rate, number, policy) for rate in _rates(error_rate) for number in _numbers(attempts)]
    cells = _simulated(run, expectations, tasks, seed) if simulate else _promised(expectations)
    # Three figures a setting are tested.
    level = SIGNIFICANCE / (3 * len(cells))
    surprises = sum(min(cell.p_values()) < level for cell in cells) if simulate else 0
    run.screen.result(
        [_cell_json(cell, simulated=simulate) for cell in cells],
        lambda: pictures.sweep(cells, surprising=level, simulated=simulate),
    )
    if simulate:
        run.screen.note(f"{plural(tasks * len(cells), 'task')} simulated.")
    if surprises:
        raise FtaskError(f"{plural(surprises, 'setting')} came out otherwise than the closed forms say.")
    return ExitCode.DONE


def _simulated(run: Invocation, expectations: list[Expectation], tasks: int, seed: int) -> list[Cell]:
    from ftask.bench.simulation import merged
    from ftask.bench.simulation import sweep as parts

    found: dict[int, list[Cell]] = {}
    total = tasks * len(expectations)
    for index, cell in run.screen.counting(
        parts(expectations, tasks, seed), total, "simulating", lambda part: part[1].tasks
    ):
        found.setdefault(index, []).append(cell)
    return [merged(found[index]) for index in range(len(expectations))]


def _promised(expectations: list[Expectation]) -> list[Cell]:
    from ftask.bench.simulation import Cell

    return [Cell(expectation, 0, 0, 0, 0.0, 0.0) for expectation in expectations]


def _cell_json(cell: Cell, *, simulated: bool) -> dict[str, Any]:
    promised = cell.expectation
    described: dict[str, Any] = {
        "errorRate": promised.rate,
        "maxAttempts": promised.max_attempts,
        "expected": {
            "failedShare": promised.failed_share,
            "meanAttempts": promised.mean_attempts,
            "meanBackoffSeconds": promised.mean_backoff_seconds,
        },
    }
    if simulated:
        described["simulated"] = {
            "tasks": cell.tasks,
            "failedShare": cell.failed_share,
            "meanAttempts": cell.mean_attempts,
            "meanBackoffSeconds": cell.mean_backoff_seconds,
            "pValues": dict(zip(("failedShare", "attemptErrorRate", "backoff"), cell.p_values(), strict=True)),
        }
    return described


def _rates(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        rates = [-1.0]
    if not all(0 <= rate <= 1 for rate in rates):
        raise UsageError(f"--error-rate {text!r} is no list of rates.", "Write numbers from 0 to 1, like 0.1,0.3,0.5.")
    return rates


def _numbers(text: str) -> list[int]:
    low, dots, high = text.partition("..")
    try:
        numbers = list(range(int(low), int(high) + 1)) if dots else [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= 20 for number in numbers):
        raise UsageError(f"--attempts {text!r} is no range of attempts.", "Write it like 1..5 or 2,4; 20 at the most.")
    return numbers


def _write_report(run: Invocation, result: Result, path: str) -> None:
    from ftask.bench.report import render

    Path(path).write_text(render(result))
    run.screen.note(f"Wrote the report to {path}.")


def _require_writable(*paths: str | None) -> None:
    """Fail before the work, not after it, where its result could not be written."""
    for path in paths:
        if path is None:
            continue
        try:
            with Path(path).open("a"):
                pass
        except OSError as error:
            raise FtaskError(f"{path} cannot be written: {error.strerror}.", "Choose another file.") from error
