"""What a month of tasks costs on AWS, without a run. Pure: a load and prices in, bills out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

from pydantic import Field

from ftask.bench import footprint
from ftask.bench.prices import GIB, MILLION, Prices, priced
from ftask.bench.result import Item, Part
from ftask.core.payload import MAX_BATCH_BYTES

_DAYS_PER_MONTH = footprint.HOURS_PER_MONTH / 24


class Load(Part):
    """The tasks of a month: their number, the size of their payloads, and how they go.

    `error_rate` is the share of attempts that fail; `task_types` counts the user's own types, 0 for the experiment;
    `task_seconds` is how long the work of a task takes.
    """

    tasks_per_month: float
    payload_bytes: int
    error_rate: float = 0.0
    max_attempts: int = 2
    task_types: int = 1
    task_seconds: float = 0.0
    api_memory_mb: float = Field(default=256, exclude=True)
    worker_memory_mb: float = Field(default=256, exclude=True)

    def reaching(self, attempt: int) -> float:
        """Return the share of tasks that have an attempt of this number."""
        return float(self.error_rate ** (attempt - 1))

    @property
    def attempts(self) -> float:
        """The mean number of attempts of a task."""
        return sum(self.reaching(number) for number in range(1, self.max_attempts + 1))


class Way(NamedTuple):
    """How tasks are submitted: tasks per request, and messages per invocation of the worker that follow from it."""

    name: str
    tasks_per_request: int
    messages_per_batch: int


# Tasks that come one by one seldom meet in a batch of the worker; those that come together fill it.
WAYS = (Way("one by one", 1, 1), Way("in tens", 10, 10), Way("in hundreds", 100, 10))


class Items(Part):
    """Lines of a bill, and their sum in USD a month."""

    items: list[Item]
    usd: float


class WayBill(Part):
    """What the tasks cost if they are submitted in one way, and the whole month with them."""

    name: str
    tasks_per_request: int
    messages_per_batch: int
    items: list[Item]
    usd: float
    # What a million more tasks cost: without storage, metrics and the idle stage. None for a month without tasks.
    usd_per_million: float | None
    total_usd: float


class Month(Load):
    """A month: what the tasks cost by the way in which they are submitted, and what does not depend on that."""

    prices: Prices
    ways: list[WayBill]
    standing: Items
    idle: Items
    # What a million tasks cost that a schedule makes.
    usd_per_million_firings: float


def estimate(load: Load, prices: Prices, *, alarms: bool = True, dashboard: bool = False) -> Month:
    """Return what a month with this load costs."""
    # What a stage costs before any task: the receives of its pollers ask a queue that stays empty.
    receives = footprint.POLLERS * footprint.HOURS_PER_MONTH * 3600 / footprint.LONG_POLL_SECONDS
    idle = {"Alarms": footprint.ALARMS if alarms else 0, "Empty receives": receives}
    if dashboard:
        idle["Dashboard"] = 1
    # What tasks cost after they have run, once the table holds its days of them.
    kept = load.tasks_per_month * footprint.TASK_RETENTION_DAYS / _DAYS_PER_MONTH
    kept_gb = kept * footprint.stored_bytes(load.payload_bytes, load.attempts) / GIB
    standing = {"Table storage": kept_gb, "Table backup": kept_gb, "Custom metrics": _custom_metrics(load)}
    month_idle, month_standing = _sum(priced(prices, idle)), _sum(priced(prices, standing))

    def bill(way: Way) -> WayBill:
        own = _sum(priced(prices, _quantities(load, way)))
        return WayBill(
            **way._asdict(),
            **vars(own),
            usd_per_million=own.usd / load.tasks_per_month * MILLION if load.tasks_per_month else None,
            total_usd=own.usd + month_standing.usd + month_idle.usd,
        )

    ways = [bill(way) for way in WAYS]
    firings = _sum(priced(prices, _firing_quantities(load)))
    return Month(
        **vars(load),
        prices=prices,
        ways=ways,
        standing=month_standing,
        idle=month_idle,
        usd_per_million_firings=firings.usd,
    )


def _sum(items: Iterable[Item]) -> Items:
    lines = list(items)
    return Items(items=lines, usd=sum(item.usd for item in lines))


def _custom_metrics(load: Load) -> float:
    """Return the metrics with values, in metric-months: only the hours in which a metric has values count."""

    def hours_share(events: float) -> float:
        return min(1.0, events / footprint.HOURS_PER_MONTH)

    usual = footprint.METRICS + footprint.TYPE_METRICS * load.task_types
    failing = footprint.FAILURE_METRICS + footprint.TYPE_FAILURE_METRICS * load.task_types
    return usual * hours_share(load.tasks_per_month) + failing * hours_share(load.tasks_per_month * load.error_rate)


def _quantities(load: Load, way: Way) -> dict[str, float]:
    tasks = load.tasks_per_month
    entry_bytes = load.payload_bytes + footprint.ENTRY_BYTES
    # A request has no more tasks than it has room for.
    per_request = max(1, min(way.tasks_per_request, MAX_BATCH_BYTES // entry_bytes))
    requests = tasks / per_request
    attempts, retries = tasks * load.attempts, tasks * (load.attempts - 1)
    failed = tasks * float(load.error_rate**load.max_attempts)
    batches = attempts / way.messages_per_batch
    api_ms = requests * footprint.api_ms(per_request, load.api_memory_mb)
    worker_ms = batches * footprint.worker_ms(way.messages_per_batch, load.worker_memory_mb, load.task_seconds)
    _, separate = footprint.placed(load.payload_bytes)
    return {
        "API requests": requests * math.ceil(per_request * entry_bytes / footprint.API_UNIT_BYTES),
        "Lambda invocations": requests + batches,
        "Lambda duration": gb_seconds(api_ms, worker_ms, load),
        # A batch is received and deleted; a retry changes its message's visibility; a failed task sends a dead letter.
        "SQS requests": requests * math.ceil(per_request / footprint.MESSAGES_PER_SEND)
        + 2 * batches
        + retries
        + failed,
        "DynamoDB writes": tasks * _units(load) + failed * footprint.INDEX_UNITS,
        "DynamoDB reads": attempts * math.ceil(separate / footprint.READ_UNIT_BYTES),
        "Logs": _log_bytes(load, requests, batches, failed) / GIB,
        "Access log": requests * footprint.ACCESS_LOG_BYTES / GIB,
    }


def _firing_quantities(load: Load) -> dict[str, float]:
    """Return what a million tasks use that a schedule makes, with an empty payload: the API has no part in them."""
    fired = load.model_copy(update={"tasks_per_month": MILLION, "payload_bytes": len("{}")})
    way = WAYS[0]
    used = _quantities(fired, way)
    api_ms = MILLION * footprint.api_ms(way.tasks_per_request, load.api_memory_mb)
    api_log_bytes = MILLION * (footprint.API_INVOCATION_LOG_BYTES + footprint.ACCEPTED_LOG_BYTES)
    del used["API requests"], used["Access log"]
    used["Lambda invocations"] -= MILLION
    used["Lambda duration"] -= gb_seconds(api_ms, 0, load)
    used["Logs"] -= api_log_bytes / GIB
    used["DynamoDB writes"] += MILLION * (footprint.FIRING_WRITES - 1)
    return used | {"Firings": MILLION}


def gb_seconds(api_ms: float, worker_ms: float, load: Load) -> float:
    """Return the duration of both functions as Lambda bills it, by their memory."""
    return (api_ms * load.api_memory_mb + worker_ms * load.worker_memory_mb) / 1000 / 1024


def _units(load: Load) -> float:
    """Return the write units of one task: its submission and the attempts that it has on average."""
    inline, separate = footprint.placed(load.payload_bytes)
    units: float = footprint.write_units(footprint.ITEM_BYTES + inline)
    units += footprint.write_units(separate) if separate else 0
    for number in range(1, load.max_attempts + 1):
        item_bytes = footprint.ITEM_BYTES + footprint.ATTEMPT_BYTES * number + inline
        units += load.reaching(number) * footprint.ATTEMPT_WRITES * footprint.write_units(item_bytes)
    return units


def _log_bytes(load: Load, requests: float, batches: float, failed: float) -> float:
    tasks = load.tasks_per_month
    attempts, retries = tasks * load.attempts, tasks * (load.attempts - 1)
    logged = (
        requests * footprint.API_INVOCATION_LOG_BYTES
        + tasks * footprint.ACCEPTED_LOG_BYTES
        + batches * footprint.WORKER_INVOCATION_LOG_BYTES
        + attempts * footprint.ATTEMPT_LOG_BYTES
        + retries * footprint.RETRY_LOG_BYTES
        # One line for all tasks of an invocation that failed with the same type of error.
        + min(failed, batches) * footprint.FAILED_LOG_BYTES
    )
    if load.task_types:
        logged += batches * footprint.OWN_TYPE_LOG_BYTES + (retries + failed) * footprint.TRACEBACK_LOG_BYTES
    return logged
