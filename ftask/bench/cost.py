"""What a run would cost on AWS, item by item: counted quantities times list prices.

Durations are priced only as Lambda reports them, or by the functions' own clock on AWS. An emulator runs the functions
on another machine, with another CPU and under other load: there, durations are estimated from the counted calls.
"""

from __future__ import annotations

from dataclasses import dataclass

from ftask.bench import footprint
from ftask.bench.estimate import Load, estimate, gb_seconds
from ftask.bench.prices import GIB, MILLION, Prices, priced
from ftask.bench.result import Bill, Cost, Item, WayPrice
from ftask.bench.usage import FunctionUsage, RunUsage
from ftask.core.text import plural


@dataclass(frozen=True)
class Setup:
    """How a run was set up, as far as its price depends on it.

    `load` is a million such tasks a month; `emulated` says that the functions ran on an emulator.
    """

    load: Load
    tasks_per_request: int
    emulated: bool
    alarms: bool = True
    dashboard: bool = False


def cost(usage: RunUsage, tasks: int, setup: Setup, prices: Prices) -> Cost | None:
    """Return the bills of a run; None where the logs have no invocation of the worker yet."""
    api, worker = usage.api, usage.worker
    if tasks == 0 or worker.invocations == 0:
        return None
    month = estimate(setup.load, prices, alarms=setup.alarms, dashboard=setup.dashboard)
    is_reported = all(function.reported == function.invocations for function in (api, worker))

    def bill(invocations: float) -> Bill:
        items = priced(prices, _quantities(usage, invocations, setup))
        usd = sum(item.usd for item in items)
        return Bill(items=items, usd=usd, usd_per_million=usd / tasks * MILLION)

    return Cost(
        batched=bill(worker.invocations),
        # Unbatched, each delivery has its own invocation, receive and delete.
        unbatched=bill(worker.records),
        region=prices.region,
        priced_on=prices.priced_on,
        records_per_batch=round(worker.records / worker.invocations, 2),
        measured_on="this machine" if setup.emulated else "AWS",
        durations="estimate" if setup.emulated else "platform report" if is_reported else "function's clock",
        local_gb_seconds=gb_seconds(api.billed_ms, worker.billed_ms, setup.load) if setup.emulated else None,
        tasks_per_request=setup.tasks_per_request,
        payload_bytes=setup.load.payload_bytes,
        ways=[WayPrice(**{name: getattr(way, name) for name in WayPrice.model_fields}) for way in month.ways],
        monthly=[*month.idle.items, *(item for item in month.standing.items if item.unit == "metrics")],
    )


def _quantities(usage: RunUsage, invocations: float, setup: Setup) -> dict[str, float]:
    """Return what the run used if the worker had this number of invocations."""
    api, worker = usage.api, usage.worker
    log_bytes = _log_bytes(api, api.invocations, setup) + _log_bytes(worker, invocations, setup)
    return {
        "API requests": api.invocations,
        "Lambda invocations": api.invocations + invocations,
        "Lambda duration": _billed_gb_seconds(usage, invocations, setup),
        # Lambda's poller receives and deletes once per batch.
        "SQS requests": api.sqs_calls + worker.sqs_calls + 2 * invocations,
        "DynamoDB writes": api.write_units + worker.write_units,
        "DynamoDB reads": api.read_units + worker.read_units,
        "Logs": log_bytes / GIB,
        "Access log": api.invocations * footprint.ACCESS_LOG_BYTES / GIB,
    }


def _billed_gb_seconds(usage: RunUsage, invocations: float, setup: Setup) -> float:
    api, worker, load = usage.api, usage.worker, setup.load
    if setup.emulated:
        api_ms = api.invocations * footprint.api_ms(setup.tasks_per_request, load.api_memory_mb)
        messages = worker.records / invocations if invocations else 0
        worker_ms = invocations * footprint.worker_ms(messages, load.worker_memory_mb)
    else:
        api_ms, worker_ms = api.measured_ms, worker.measured_ms
        if invocations != worker.invocations:
            worker_ms = max(worker.records_ms, worker_ms)
    return gb_seconds(api_ms, worker_ms, load)


def _log_bytes(function: FunctionUsage, invocations: float, setup: Setup) -> float:
    """Return what a function logs in this number of invocations."""
    if function.invocations == 0:
        return function.log_bytes
    # An emulator's own lines are not those of Lambda, which logs none about an invocation that goes well.
    each = (0.0 if setup.emulated else function.platform_bytes) + function.summary_bytes
    own = function.log_bytes - function.platform_bytes - function.summary_bytes
    return own + invocations * each / function.invocations


def cost_notes(cost: Cost) -> list[str]:
    """Return what the prices stand for, each line a sentence."""
    ways = ", ".join(f"{way.name} {way.usd_per_million:.2f}" for way in cost.ways)
    monthly = ", ".join(f"{item.name.lower()} {item.usd:.2f}" for item in cost.monthly)
    submitted = f"{plural(cost.tasks_per_request, 'task')} per request; {cost.records_per_batch:g} messages per batch"
    return [
        f"List prices of {cost.region} on {cost.priced_on}, without a free tier; {submitted}.",
        _duration_note(cost),
        f"Estimates for a million such tasks, in USD: {ways}.",
        f"In addition, in USD a month: {monthly} if tasks run in every hour.",
    ]


def _duration_note(cost: Cost) -> str:
    if cost.durations == "estimate":
        return (
            "Lambda duration is an estimate from the counted calls. This machine took"
            f" {cost.local_gb_seconds:.3g} GB-seconds, which are not priced because its CPU is not Lambda's."
        )
    if cost.durations == "platform report":
        return "Durations are those that Lambda reported."
    return "Durations are those that the functions measured themselves on AWS, without their start."


def quantity_text(item: Item) -> tuple[str, str]:
    """Return a quantity and its unit: bytes in a unit that suits them, another number whole or with four digits."""
    if item.unit == "GB" and item.quantity < 1:
        kilobytes = item.quantity * GIB / 1024
        return (f"{kilobytes / 1024:,.1f}", "MB") if kilobytes >= 1024 else (f"{kilobytes:,.1f}", "KB")
    is_whole = item.quantity >= 100 or item.quantity == int(item.quantity)
    return f"{item.quantity:,.0f}" if is_whole else f"{item.quantity:,.4g}", item.unit
