"""From an experiment that has run to its result: cost measured, figures analysed."""

from __future__ import annotations

from ftask.aws.stage import Stage
from ftask.bench.analysis import analyse
from ftask.bench.cost import Prices, Sizes, cost
from ftask.bench.expectation import Expectation
from ftask.bench.experiment import Observed, Settings
from ftask.bench.result import Cost, Result
from ftask.bench.usage import measure


def evaluate(stage: Stage, observed: Observed, settings: Settings, expectation: Expectation, prices: Prices) -> Result:
    """Return the result of what was observed on the stage."""
    run_cost, notes = _cost(stage, observed, prices)
    return analyse(
        observed,
        settings,
        expectation,
        stage.stack.parameters,
        stage=stage.target.stage_name,
        region=stage.target.region_name,
        cost=run_cost,
        notes=notes,
    )


def _cost(stage: Stage, observed: Observed, prices: Prices) -> tuple[Cost | None, list[str]]:
    parameters = stage.stack.parameters
    # An attempt that ended was begun, and both were logged.
    started = sum(attempt.ended_at is not None for task in observed.tasks.values() for attempt in task.history)
    # Whoever stopped early does not want to wait for logs.
    usage = measure(stage, observed.started_at, len(observed.sent), started, patiently=observed.stopped is None)
    sizes = Sizes(float(parameters["ApiMemory"]), float(parameters["WorkerMemory"]))
    measured_on = stage.target.choose(aws="AWS", emulator="this machine")
    run_cost = cost(usage, len(observed.sent), sizes, prices, measured_on)
    if run_cost is None:
        return None, ["the functions have logged nothing yet, so the cost is unknown"]
    if not usage.complete:
        return run_cost, ["some of the functions' logs had not arrived, so the cost is too low"]
    return run_cost, []
