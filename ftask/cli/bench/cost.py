"""`ftask bench cost`: what a month costs on AWS, without a run."""

from __future__ import annotations

import re
from typing import Annotated

import typer

from ftask.bench.estimate import Load, estimate
from ftask.bench.prices import read_prices
from ftask.cli.invocation import Invocation
from ftask.cli.usage import InvalidOptionError
from ftask.core.payload import MAX_PAYLOAD_BYTES
from ftask.core.ranges import RANGES
from ftask.render.bench import month_table

MAX_TASKS_PER_MONTH = 1e12
MAX_TYPES = 10_000
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(|B|KB|KiB)", re.IGNORECASE)


def cost(
    run: Invocation,
    tasks_per_month: Annotated[
        str, typer.Option("--tasks-per-month", metavar="NUMBER", help="Number of tasks, like 5e6; 0 is an idle stage.")
    ] = "1e6",
    payload: Annotated[str, typer.Option(metavar="SIZE", help="Size of a payload, like 500 or 2KB.")] = "500",
    errors: Annotated[float, typer.Option(min=0, max=1, help="Share of the attempts that fail, from 0 to 1.")] = 0.0,
    attempts: Annotated[
        int, typer.Option(min=1, max=int(RANGES["MaxAttempts"][1]), help="Attempts of a task at most (MaxAttempts).")
    ] = 2,
    task_seconds: Annotated[
        float,
        typer.Option(
            "--task-seconds",
            min=0,
            max=RANGES["WorkerTimeout"][1],
            metavar="SECONDS",
            help="Duration of a task's own work.",
        ),
    ] = 0.0,
    types: Annotated[int, typer.Option(min=0, max=MAX_TYPES, help="Number of your task types.")] = 1,
    worker_memory: Annotated[
        float,
        typer.Option(
            "--worker-memory",
            min=RANGES["WorkerMemory"][0],
            max=RANGES["WorkerMemory"][1],
            metavar="MB",
            help="Memory of the worker.",
        ),
    ] = 256,
    dashboard: Annotated[bool, typer.Option("--dashboard", help="Include the dashboard (MetricsDashboard).")] = False,
    prices: Annotated[
        str | None, typer.Option(metavar="FILE.toml", help="Price list to use instead of the built-in one.")
    ] = None,
) -> None:
    """Say what a month costs on AWS, for tasks submitted one by one, in tens and in hundreds.

    The answer is an estimate at list prices, without a free tier. It needs no stage and no run.

    Its JSON has the names and values of all prices, which a file of --prices can replace.

    Examples:
        ftask bench cost --tasks-per-month 5e6 --payload 2KB --errors 0.1
        ftask bench cost --tasks-per-month 0
    """
    load = Load(
        tasks_per_month=_parse_tasks(tasks_per_month),
        payload_bytes=_parse_size(payload),
        error_rate=errors,
        max_attempts=attempts,
        task_types=types,
        task_seconds=task_seconds,
        worker_memory_mb=worker_memory,
    )
    month = estimate(load, read_prices(prices), dashboard=dashboard)
    run.screen.result(month.json(), lambda: month_table(month))


def _parse_tasks(text: str) -> float:
    try:
        tasks = float(text.replace(",", ""))
    except ValueError:
        tasks = -1.0
    if not 0 <= tasks <= MAX_TASKS_PER_MONTH:
        raise InvalidOptionError("--tasks-per-month", text, "a number from 0 to 1e12, like 5e6 or 5000000")
    return tasks


def _parse_size(text: str) -> int:
    size = _SIZE.fullmatch(text.strip())
    size_bytes = round(float(size[1]) * (1024 if size[2].upper() in ("KB", "KIB") else 1)) if size else -1
    if not 0 <= size_bytes <= MAX_PAYLOAD_BYTES:
        raise InvalidOptionError("--payload", text, f"a size of up to {MAX_PAYLOAD_BYTES // 1024}KB, like 500 or 2KB")
    return size_bytes
