"""`ftask bench sweep`: compare settings before deploying."""

from __future__ import annotations

from typing import Annotated

import typer

from ftask.bench.expectation import Expectation
from ftask.bench.result import SIGNIFICANCE
from ftask.bench.simulation import Cell
from ftask.bench.simulation import sweep as simulate_parts
from ftask.cli.exit_codes import ExitCode
from ftask.cli.invocation import Invocation
from ftask.cli.usage import InvalidOptionError
from ftask.core.errors import FtaskError
from ftask.core.ranges import RANGES
from ftask.core.retry import MAX_BACKOFF_SECONDS, RetryPolicy
from ftask.core.text import plural
from ftask.render.bench import sweep_table

MAX_ATTEMPTS = int(RANGES["MaxAttempts"][1])


def sweep(
    run: Invocation,
    error_rate: Annotated[
        str, typer.Option("--error-rate", metavar="LIST", help="Error rates to try, like 0.1,0.3,0.5.")
    ] = "0.1,0.3,0.5",
    attempts: Annotated[
        str, typer.Option("--attempts", metavar="RANGE", help="Numbers of attempts to try, like 1..5 or 2,4.")
    ] = "1..5",
    backoff_base: Annotated[
        float, typer.Option(min=0, max=MAX_BACKOFF_SECONDS, metavar="SECONDS", help="Delay before the second attempt.")
    ] = 2.0,
    backoff_cap: Annotated[
        float,
        typer.Option(min=0, max=MAX_BACKOFF_SECONDS, metavar="SECONDS", help="Longest delay between two attempts."),
    ] = 900.0,
    jitter: Annotated[bool, typer.Option("--jitter", help="Use full jitter.")] = False,
    simulate: Annotated[
        bool, typer.Option("--simulate", help="Also run the protocol in virtual time; needs no stage.")
    ] = False,
    tasks: Annotated[
        int, typer.Option("--tasks", "-n", min=1, max=10_000_000, help="Tasks to simulate per setting.")
    ] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.")] = 0,
) -> ExitCode:
    """Choose attempts and backoff before deploying: the results of settings, in closed form and simulated.

    Exit code 1 if the simulation contradicts the closed forms.

    Examples:
        ftask bench sweep --error-rate 0.1,0.3 --attempts 1..3
        ftask bench sweep --simulate
    """
    policy = RetryPolicy(backoff_base, backoff_cap, jitter)
    expectations = [
        Expectation(rate, number, policy) for rate in _parse_rates(error_rate) for number in _parse_numbers(attempts)
    ]
    cells = [Cell(expectation) for expectation in expectations]
    if simulate:
        parts = simulate_parts(expectations, tasks, seed)
        total = tasks * len(cells)
        for index, part in run.screen.counting(parts, total, "simulating", lambda item: item[1].tasks):
            cells[index] += part
    # Three figures per setting are tested.
    level = SIGNIFICANCE / (3 * len(cells))
    surprises = sum(min(cell.p_values()) < level for cell in cells) if simulate else 0
    run.screen.result([cell.json() for cell in cells], lambda: sweep_table(cells, surprising=level, simulated=simulate))
    if simulate:
        run.screen.note(f"{plural(tasks * len(cells), 'task')} simulated.")
    if surprises:
        raise FtaskError(f"The simulation contradicts the closed forms in {plural(surprises, 'setting')}.")
    return ExitCode.DONE


def _parse_rates(text: str) -> list[float]:
    try:
        rates = [float(part) for part in text.split(",")]
    except ValueError:
        rates = []
    if not rates or not all(0 <= rate <= 1 for rate in rates):
        raise InvalidOptionError("--error-rate", text, "numbers from 0 to 1, like 0.1,0.3,0.5")
    return rates


def _parse_numbers(text: str) -> list[int]:
    low, dots, high = text.partition("..")
    try:
        numbers = list(range(int(low), int(high) + 1)) if dots else [int(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if not numbers or not all(1 <= number <= MAX_ATTEMPTS for number in numbers):
        raise InvalidOptionError("--attempts", text, f"numbers from 1 to {MAX_ATTEMPTS}, like 1..5 or 2,4")
    return numbers
