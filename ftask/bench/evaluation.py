"""What a stack promises for an experiment, and from one that has run to its result: cost and figures."""

from __future__ import annotations

from ftask.aws.errors import UnreachableError
from ftask.aws.stack import DeployedStack, command_on
from ftask.aws.stage import Stage
from ftask.bench.analysis import analyse
from ftask.bench.cost import Setup, cost
from ftask.bench.estimate import Load
from ftask.bench.expectation import Expectation
from ftask.bench.experiment import Observed, Settings, encode_task
from ftask.bench.machine import describe_machine, is_busy
from ftask.bench.prices import MILLION, Prices
from ftask.bench.result import Cost, Result
from ftask.bench.usage import measure
from ftask.core.errors import FtaskError
from ftask.core.retry import RetryPolicy
from ftask.core.text import plural
from ftask.core.workload import SLOW


def expected(message: str, stack: DeployedStack) -> Expectation:
    """Return what a stack promises for tasks with `message`.

    Raises:
        FtaskError: the stack lacks a parameter, or the message kills workers, and other tasks with them.
    """
    if message in ("CRASH", "HANG"):
        raise FtaskError(
            f"{message} kills the worker and takes the other tasks of its batch with it, so no error rate is expected.",
            "Use another --message. The experiment with workers that die is: pytest tests/chaos",
        )
    parameters = stack.parameters
    try:
        base, cap = float(parameters["BackoffBaseSeconds"]), float(parameters["BackoffCapSeconds"])
        policy = RetryPolicy(base, cap, parameters["BackoffJitter"] == "true")
        rate, max_attempts = float(parameters["ErrorRate"]), int(parameters["MaxAttempts"])
    except KeyError as error:
        raise FtaskError(
            f"The stack has no parameter {error}, so there is nothing to compare the run with.",
            f"Deploy it again: {command_on(stack.target, 'deploy')}",
        ) from error
    if message == "SUCCESS" or message.startswith(SLOW):
        rate = 0.0
    return Expectation(1.0 if message == "ERROR" else rate, max_attempts, policy)


def evaluate(stage: Stage, observed: Observed, settings: Settings, expectation: Expectation, prices: Prices) -> Result:
    """Return the result of what was observed on the stage."""
    machine = describe_machine(stage.target, observed.load_before, observed.load_after)
    run_cost, notes = _cost(stage, observed, settings, expectation, prices)
    if is_busy(machine):
        load = f"load {machine.load_before:g} on {plural(machine.cpus, 'CPU')}"
        notes.append(f"this machine was busy when the run began ({load}), so latencies and throughput say little")
    return analyse(
        observed,
        settings,
        expectation,
        stage.stack.parameters,
        stage=stage.target.stage_name,
        region=stage.target.region_name,
        cost=run_cost,
        machine=machine,
        notes=notes,
    )


def _cost(
    stage: Stage, observed: Observed, settings: Settings, expectation: Expectation, prices: Prices
) -> tuple[Cost | None, list[str]]:
    if observed.failure is not None:
        return None, ["the stage stopped answering, so the dead letters and the cost are unknown"]
    parameters, accepted = stage.stack.parameters, len(observed.sent)
    # An attempt that ended was begun, and both were logged.
    ended = sum(attempt.ended_at is not None for task in observed.tasks.values() for attempt in task.history)
    try:
        # Whoever stopped early does not want to wait for logs.
        usage = measure(stage, observed.started_at, accepted, ended, patiently=observed.stopped is None)
    except UnreachableError as error:
        return None, [f"the logs could not be read, so the cost is unknown: {error.message.rstrip('.')}"]
    load = Load(
        tasks_per_month=MILLION,
        payload_bytes=len(encode_task(settings.message, observed.run_id, 0).encode()),
        error_rate=expectation.rate,
        max_attempts=expectation.max_attempts,
        task_types=0,
        api_memory_mb=float(parameters["ApiMemory"]),
        worker_memory_mb=float(parameters["WorkerMemory"]),
    )
    setup = Setup(
        load,
        settings.batch,
        emulated=stage.target.is_emulated,
        alarms=parameters["Alarms"] == "true",
        dashboard=parameters.get("MetricsDashboard") == "true",
    )
    run_cost = cost(usage, accepted, setup, prices)
    if run_cost is None:
        return None, ["the functions have logged nothing yet, so the cost is unknown"]
    return run_cost, [] if usage.complete else ["some of the functions' logs had not arrived, so the cost is too low"]
