"""What a month of tasks costs on AWS, without a run. Pure: a load and prices in, bills out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ftask.bench import footprint
from ftask.bench.prices import GIB, MILLION, Prices
from ftask.bench.result import Item

_DAYS_PER_MONTH = footprint.HOURS_PER_MONTH / 24


@dataclass(frozen=True)
class Load:
    """The tasks of a month: their number, the size of their payloads, and how they go.

    `error_rate` is the share of attempts that fail; `types` counts the user's own types, 0 for the experiment;
    `task_seconds` is how long the work of a task takes.
    """

    tasks_per_month: float
    payload_bytes: int
    error_rate: float = 0.0
    max_attempts: int = 2
    types: int = 1
    task_seconds: float = 0.0
    api_memory_mb: float = 256
    worker_memory_mb: float = 256

    @property
    def attempts(self) -> float:
        """The mean number of attempts of a task."""
        return sum(self.reaching(number) for number in range(1, self.max_attempts + 1))

    @property
    def failed_share(self) -> float:
        """The share of tasks that end FAILED."""
        return float(self.error_rate**self.max_attempts)

    def reaching(self, attempt: int) -> float:
        """Return the share of tasks that have an attempt of this number."""
        return float(self.error_rate ** (attempt - 1))


@dataclass(frozen=True)
class Way:
    """How tasks are submitted: tasks per request, and messages per invocation of the worker that follow from it."""

    name: str
    tasks_per_request: int
    messages_per_batch: float


# Tasks that come one by one seldom meet in a batch of the worker; those that come together fill it.
WAYS = (Way("one by one", 1, 1), Way("in tens", 10, 10), Way("in hundreds", 100, 10))


@dataclass(frozen=True)
class Bill:
    """The items of one way to submit."""

    way: Way
    items: tuple[Item, ...]

    @property
    def usd(self) -> float:
        return sum(item.usd for item in self.items)


@dataclass(frozen=True)
class Estimate:
    """A month: what the tasks cost by the way in which they are submitted, and what does not depend on that."""

    load: Load
    bills: tuple[Bill, ...]
    standing: tuple[Item, ...]
    idle: tuple[Item, ...]
    prices: Prices

    @property
    def standing_usd(self) -> float:
        """Storage and metrics, in USD a month."""
        return sum(item.usd for item in self.standing)

    @property
    def idle_usd(self) -> float:
        """What the stage costs without any task, in USD a month."""
        return sum(item.usd for item in self.idle)

    def total_usd(self, bill: Bill) -> float:
        """Return the whole month with the tasks of `bill`, in USD."""
        return bill.usd + self.standing_usd + self.idle_usd

    def per_million_usd(self, bill: Bill) -> float:
        """Return what a million more tasks cost: without storage, metrics and the idle stage; in USD."""
        return bill.usd / self.load.tasks_per_month * MILLION

    def json(self) -> dict[str, Any]:
        """Return the JSON form; amounts are in USD a month."""
        has_tasks = self.load.tasks_per_month > 0
        return {
            "tasksPerMonth": self.load.tasks_per_month,
            "payloadBytes": self.load.payload_bytes,
            "errorRate": self.load.error_rate,
            "maxAttempts": self.load.max_attempts,
            "taskTypes": self.load.types,
            "taskSeconds": self.load.task_seconds,
            # By the names that a file of --prices has.
            "prices": self.prices.model_dump(),
            "ways": [
                {
                    "name": bill.way.name,
                    "tasksPerRequest": bill.way.tasks_per_request,
                    "messagesPerBatch": bill.way.messages_per_batch,
                    "items": _json(bill.items),
                    "usd": bill.usd,
                    "usdPerMillion": self.per_million_usd(bill) if has_tasks else None,
                    "totalUsd": self.total_usd(bill),
                }
                for bill in self.bills
            ],
            "standing": {"items": _json(self.standing), "usd": self.standing_usd},
            "idle": {"items": _json(self.idle), "usd": self.idle_usd},
        }


def estimate(load: Load, prices: Prices, *, dashboard: bool = False, ways: Sequence[Way] = WAYS) -> Estimate:
    """Return what a month with this load costs."""
    bills = tuple(Bill(way, tuple(_items(load, way, prices))) for way in ways)
    return Estimate(load, bills, standing(load, prices), idle(prices, dashboard=dashboard), prices)


def idle(prices: Prices, *, alarms: bool = True, dashboard: bool = False) -> tuple[Item, ...]:
    """Return what a stage costs a month before any task."""
    receives = _item("Empty receives", footprint.empty_receives(), "requests", prices.sqs_million_requests / MILLION)
    items = [_item("Alarms", footprint.ALARMS if alarms else 0, "alarms", prices.alarm_month), receives]
    return (*items, _item("Dashboard", 1, "dashboard", prices.dashboard_month)) if dashboard else tuple(items)


def standing(load: Load, prices: Prices) -> tuple[Item, ...]:
    """Return what the tasks cost a month after they have run, once the table holds its days of them."""
    kept = load.tasks_per_month * footprint.TASK_RETENTION_DAYS / _DAYS_PER_MONTH
    gigabytes = kept * footprint.stored_bytes(load.payload_bytes, load.attempts) / GIB
    return (
        _item("Table storage", gigabytes, "GB", prices.dynamodb_gb_month),
        _item("Table backup", gigabytes, "GB", prices.dynamodb_backup_gb_month),
        _item("Custom metrics", custom_metrics(load), "metrics", prices.metric_month),
    )


def custom_metrics(load: Load) -> float:
    """Return the metrics with values, in metric-months: only the hours in which a metric has values count."""
    tasks, failures = load.tasks_per_month, load.tasks_per_month * load.error_rate
    usual = footprint.METRICS + footprint.TYPE_METRICS * load.types
    failing = footprint.FAILURE_METRICS + footprint.TYPE_FAILURE_METRICS * load.types
    return usual * _hours_share(tasks) + failing * _hours_share(failures)


def _items(load: Load, way: Way, prices: Prices) -> list[Item]:
    tasks, payload = load.tasks_per_month, load.payload_bytes
    per_request = footprint.request_tasks(payload, way.tasks_per_request)
    requests = tasks / per_request
    attempts, retries, failed = tasks * load.attempts, tasks * (load.attempts - 1), tasks * load.failed_share
    batches = attempts / way.messages_per_batch
    sends = requests * -(-per_request // footprint.MESSAGES_PER_SEND)
    units = tasks * footprint.submission_units(payload) + failed * footprint.INDEX_UNITS
    units += sum(
        tasks * load.reaching(number) * footprint.attempt_units(payload, number)
        for number in range(1, load.max_attempts + 1)
    )
    busy_ms = requests * footprint.api_ms(per_request, load.api_memory_mb) * load.api_memory_mb
    busy_ms += (
        batches
        * footprint.worker_ms(way.messages_per_batch, load.worker_memory_mb, load.task_seconds)
        * load.worker_memory_mb
    )
    return [
        _item(
            "API requests",
            requests * footprint.request_units(payload, per_request),
            "requests",
            prices.api_million_requests / MILLION,
        ),
        _item("Lambda invocations", requests + batches, "requests", prices.lambda_million_requests / MILLION),
        _item("Lambda duration", busy_ms / 1000 / 1024, "GB-seconds", prices.lambda_gb_second),
        # A batch is received and deleted; a retry changes its message's visibility; a failed task sends a dead letter.
        _item(
            "SQS requests", sends + 2 * batches + retries + failed, "requests", prices.sqs_million_requests / MILLION
        ),
        _item("DynamoDB writes", units, "units", prices.dynamodb_million_write_units / MILLION),
        _item(
            "DynamoDB reads",
            attempts * footprint.attempt_read_units(payload),
            "units",
            prices.dynamodb_million_read_units / MILLION,
        ),
        _item("Logs", _log_bytes(load, requests, batches) / GIB, "GB", prices.logs_gb),
        _item("Access log", requests * footprint.ACCESS_LOG_BYTES / GIB, "GB", prices.logs_gb),
    ]


def _log_bytes(load: Load, requests: float, batches: float) -> float:
    tasks = load.tasks_per_month
    attempts, retries, failed = tasks * load.attempts, tasks * (load.attempts - 1), tasks * load.failed_share
    logged = (
        requests * footprint.API_INVOCATION_LOG_BYTES
        + tasks * footprint.ACCEPTED_LOG_BYTES
        + batches * footprint.WORKER_INVOCATION_LOG_BYTES
        + attempts * footprint.ATTEMPT_LOG_BYTES
        + retries * footprint.RETRY_LOG_BYTES
        # One line for all tasks of an invocation that failed with the same type of error.
        + min(failed, batches) * footprint.FAILED_LOG_BYTES
    )
    if load.types:
        logged += batches * footprint.OWN_TYPE_LOG_BYTES + (retries + failed) * footprint.TRACEBACK_LOG_BYTES
    return logged


def _hours_share(events: float) -> float:
    """Return the share of a month's hours in which at least one of `events` falls, if they are spread evenly."""
    return min(1.0, events / footprint.HOURS_PER_MONTH)


def _item(name: str, quantity: float, unit: str, price: float) -> Item:
    return Item(name=name, quantity=round(quantity, 9), unit=unit, usd=quantity * price)


def _json(items: Sequence[Item]) -> list[dict[str, Any]]:
    return [item.model_dump(mode="json", by_alias=True) for item in items]
