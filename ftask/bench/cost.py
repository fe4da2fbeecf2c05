"""What a run would cost on AWS, item by item: counted quantities times list prices.

Durations are priced only as Lambda reports them, or by the functions' own clock on AWS. An emulator runs the functions
on another machine, with another CPU and under other load: there, durations are estimated from the counted calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ftask.bench import footprint
from ftask.bench.estimate import Load, custom_metrics, estimate, idle
from ftask.bench.prices import GIB, MILLION, Prices
from ftask.bench.result import Bill, Cost, Item, WayPrice
from ftask.bench.usage import FunctionUsage, RunUsage


@dataclass(frozen=True)
class Setup:
    """How a run was set up, as far as its price depends on it.

    Memory is in MB as Lambda counts them (1024 to the GB). `emulated` says that the functions ran on an emulator.
    """

    api_memory_mb: float
    worker_memory_mb: float
    tasks_per_request: int
    payload_bytes: int
    error_rate: float
    max_attempts: int
    emulated: bool
    alarms: bool = True
    dashboard: bool = False

    @property
    def load(self) -> Load:
        """A million such tasks a month."""
        return Load(
            MILLION,
            self.payload_bytes,
            self.error_rate,
            self.max_attempts,
            types=0,
            api_memory_mb=self.api_memory_mb,
            worker_memory_mb=self.worker_memory_mb,
        )


def cost(usage: RunUsage, tasks: int, setup: Setup, prices: Prices) -> Cost | None:
    """Return the bills of a run; None where the logs have no invocation of the worker yet."""
    if tasks == 0 or usage.worker.invocations == 0:
        return None
    month = estimate(setup.load, prices)
    metrics = custom_metrics(setup.load)
    monthly = (
        *idle(prices, alarms=setup.alarms, dashboard=setup.dashboard),
        Item(name="Custom metrics", quantity=metrics, unit="metrics", usd=metrics * prices.metric_month),
    )
    return Cost(
        batched=_bill(usage, tasks, setup, prices, batched=True),
        unbatched=_bill(usage, tasks, setup, prices, batched=False),
        region=prices.region,
        priced_on=prices.priced_on,
        records_per_batch=round(usage.worker.records / usage.worker.invocations, 2),
        measured_on="this machine" if setup.emulated else "AWS",
        durations=_durations(usage, setup),
        local_gb_seconds=_gb_seconds(usage.api.billed_ms, usage.worker.billed_ms, setup) if setup.emulated else None,
        tasks_per_request=setup.tasks_per_request,
        payload_bytes=setup.payload_bytes,
        ways=[
            WayPrice(
                name=bill.way.name,
                tasks_per_request=bill.way.tasks_per_request,
                usd_per_million=month.per_million_usd(bill),
            )
            for bill in month.bills
        ],
        monthly=list(monthly),
    )


def _durations(usage: RunUsage, setup: Setup) -> Literal["platform report", "function's clock", "estimate"]:
    if setup.emulated:
        return "estimate"
    is_reported = all(function.reported == function.invocations for function in (usage.api, usage.worker))
    return "platform report" if is_reported else "function's clock"


def _bill(usage: RunUsage, tasks: int, setup: Setup, prices: Prices, *, batched: bool) -> Bill:
    api, worker = usage.api, usage.worker
    # Unbatched, each delivery has its own invocation, receive and delete.
    invocations = worker.invocations if batched else worker.records
    log_bytes = _log_bytes(api, api.invocations, setup) + _log_bytes(worker, invocations, setup)
    lines = [
        ("API requests", api.invocations, "requests", prices.api_million_requests / MILLION),
        ("Lambda invocations", api.invocations + invocations, "requests", prices.lambda_million_requests / MILLION),
        ("Lambda duration", _billed_gb_seconds(usage, setup, batched=batched), "GB-seconds", prices.lambda_gb_second),
        # Lambda's poller receives and deletes once per batch.
        (
            "SQS requests",
            api.sqs_calls + worker.sqs_calls + 2 * invocations,
            "requests",
            prices.sqs_million_requests / MILLION,
        ),
        (
            "DynamoDB writes",
            api.write_units + worker.write_units,
            "units",
            prices.dynamodb_million_write_units / MILLION,
        ),
        ("DynamoDB reads", api.read_units + worker.read_units, "units", prices.dynamodb_million_read_units / MILLION),
        ("Logs", log_bytes / GIB, "GB", prices.logs_gb),
        ("Access log", api.invocations * footprint.ACCESS_LOG_BYTES / GIB, "GB", prices.logs_gb),
    ]
    items = [
        Item(name=name, quantity=round(quantity, 9), unit=unit, usd=quantity * price)
        for name, quantity, unit, price in lines
    ]
    usd = sum(item.usd for item in items)
    return Bill(items=items, usd=usd, usd_per_million=usd / tasks * MILLION)


def _billed_gb_seconds(usage: RunUsage, setup: Setup, *, batched: bool) -> float:
    api, worker = usage.api, usage.worker
    if setup.emulated:
        api_ms = api.invocations * footprint.api_ms(setup.tasks_per_request, setup.api_memory_mb)
        messages = worker.records / worker.invocations if batched else 1
        batches = worker.invocations if batched else worker.records
        worker_ms = batches * footprint.worker_ms(messages, setup.worker_memory_mb)
    else:
        api_ms, worker_ms = (
            function.billed_ms if function.reported == function.invocations else function.busy_ms + function.killed_ms
            for function in (api, worker)
        )
        worker_ms = worker_ms if batched else max(worker.records_ms, worker_ms)
    return _gb_seconds(api_ms, worker_ms, setup)


def _gb_seconds(api_ms: float, worker_ms: float, setup: Setup) -> float:
    return (api_ms * setup.api_memory_mb + worker_ms * setup.worker_memory_mb) / 1000 / 1024


def _log_bytes(function: FunctionUsage, invocations: float, setup: Setup) -> float:
    """Return what a function logs if it has so many invocations."""
    if function.invocations == 0:
        return function.log_bytes
    # An emulator's own lines are not those of Lambda, which logs none about an invocation that goes well.
    platform_bytes = 0.0 if setup.emulated else function.platform_bytes / function.invocations
    each_bytes = platform_bytes + function.summary_bytes / function.invocations
    return function.log_bytes - function.platform_bytes - function.summary_bytes + invocations * each_bytes
