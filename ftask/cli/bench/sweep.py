"""`ftask bench sweep`: compare settings before deploying."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation, UsageError
from ftask.core.errors import FtaskError
from ftask.core.text import plural

if TYPE_CHECKING:
    from ftask.bench.expectation import Expectation
    from ftask.bench.simulation import Cell


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
    from ftask.render import bench as pictures

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
