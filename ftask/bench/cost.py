"""What a run would cost on AWS, item by item: counted quantities times list prices."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, ValidationError

from ftask.bench.result import Bill, Cost, Item
from ftask.bench.usage import RunUsage
from ftask.core.errors import InvalidInputError

MILLION = 1_000_000
GIB = 1024**3


class Prices(BaseModel):
    """List prices in USD, without a free tier. Defaults: us-east-1, arm64, on-demand capacity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str = "us-east-1"
    priced_on: str = "2026-11-01"
    api_million_requests: NonNegativeFloat = 1.00
    lambda_million_requests: NonNegativeFloat = 0.20
    lambda_gb_second: NonNegativeFloat = 0.0000133334
    sqs_million_requests: NonNegativeFloat = 0.40
    dynamodb_million_write_units: NonNegativeFloat = 0.625
    dynamodb_million_read_units: NonNegativeFloat = 0.125
    logs_gb: NonNegativeFloat = 0.50


@dataclass(frozen=True)
class Sizes:
    """The memory of the functions, in MB as Lambda counts them (1024 to the GB)."""

    api_memory_mb: float
    worker_memory_mb: float


def read_prices(path: str | None) -> Prices:
    """Return the price list in a TOML file; a price that the file leaves out has its default.

    Raises:
        InvalidInputError: the file cannot be read, is not TOML, or has an unknown or negative price.
    """
    if path is None:
        return Prices()
    try:
        return Prices.model_validate(tomllib.loads(Path(path).read_text()))
    except OSError as error:
        raise InvalidInputError(
            f"{path} cannot be read: {error.strerror}.", "Check the path after --prices."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidInputError(
            f"{path} is not TOML: {error}.", "Write prices like: sqs_million_requests = 0.40"
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise InvalidInputError(
            f"Invalid price list {path}: {'.'.join(map(str, first['loc']))}: {first['msg']}.",
            "Supported: " + ", ".join(Prices.model_fields),
        ) from None


def cost(usage: RunUsage, tasks: int, sizes: Sizes, prices: Prices, measured_on: str) -> Cost | None:
    """Return the bills of a run; None where the logs have no invocation of the worker yet.

    `measured_on` names what ran the functions: AWS, or this machine.
    """
    if tasks == 0 or usage.worker.invocations == 0:
        return None
    return Cost(
        batched=_bill(usage, tasks, sizes, prices, batched=True),
        unbatched=_bill(usage, tasks, sizes, prices, batched=False),
        region=prices.region,
        priced_on=prices.priced_on,
        records_per_batch=round(usage.worker.records / usage.worker.invocations, 2),
        measured_on=measured_on,
    )


def _bill(usage: RunUsage, tasks: int, sizes: Sizes, prices: Prices, *, batched: bool) -> Bill:
    api, worker = usage.api, usage.worker
    # Unbatched, each delivery has an invocation, a receive and a delete of its own.
    invocations = worker.invocations if batched else worker.records
    busy_ms = worker.billed_ms if batched else max(worker.records_ms, worker.billed_ms)
    worker_bytes: float = worker.log_bytes
    if not batched and worker.invocations:
        worker_bytes += worker.platform_bytes * (invocations / worker.invocations - 1)
    gb_seconds = (api.billed_ms * sizes.api_memory_mb + busy_ms * sizes.worker_memory_mb) / 1000 / 1024
    called = sum(count for name, count in (api.calls + worker.calls).items() if name.startswith("sqs."))
    lines = [
        ("API requests", api.invocations, "requests", prices.api_million_requests / MILLION),
        ("Lambda invocations", api.invocations + invocations, "requests", prices.lambda_million_requests / MILLION),
        ("Lambda duration", gb_seconds, "GB-seconds", prices.lambda_gb_second),
        # Lambda's poller receives and deletes once per batch. Its receives from an empty queue are left out: they
        # depend on time, not on tasks.
        ("SQS requests", called + 2 * invocations, "requests", prices.sqs_million_requests / MILLION),
        (
            "DynamoDB writes",
            api.write_units + worker.write_units,
            "units",
            prices.dynamodb_million_write_units / MILLION,
        ),
        ("DynamoDB reads", api.read_units + worker.read_units, "units", prices.dynamodb_million_read_units / MILLION),
        ("Logs", (api.log_bytes + worker_bytes) / GIB, "GB", prices.logs_gb),
    ]
    items = [
        Item(name=name, quantity=round(quantity, 9), unit=unit, usd=quantity * price)
        for name, quantity, unit, price in lines
    ]
    usd = sum(item.usd for item in items)
    return Bill(items=items, usd=usd, usd_per_million=usd / tasks * MILLION)
