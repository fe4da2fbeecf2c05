"""List prices of AWS, each with its unit and its source."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ftask.bench.result import Item, first_problem
from ftask.core.errors import InvalidInputError

MILLION = 1_000_000
GIB = 1024**3

_Usd = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Prices(BaseModel):
    """List prices in USD, without a free tier. Defaults: us-east-1, arm64, on-demand capacity, on `priced_on`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    region: str = "us-east-1"
    priced_on: str = "2026-11-01"
    # A million requests of an HTTP API, each of up to 512 KB. https://aws.amazon.com/api-gateway/pricing/
    api_million_requests: _Usd = 1.00
    # A million invocations; a GB-second of duration on arm64. https://aws.amazon.com/lambda/pricing/
    lambda_million_requests: _Usd = 0.20
    lambda_gb_second: _Usd = 0.0000133334
    # A million requests to a standard queue, each of up to 64 KB. https://aws.amazon.com/sqs/pricing/
    sqs_million_requests: _Usd = 0.40
    # A million request units, on demand; a GB stored for a month; a GB that can be restored to any moment, for a month.
    # https://aws.amazon.com/dynamodb/pricing/on-demand/
    dynamodb_million_write_units: _Usd = 0.625
    dynamodb_million_read_units: _Usd = 0.125
    dynamodb_gb_month: _Usd = 0.25
    dynamodb_backup_gb_month: _Usd = 0.20
    # A million invocations of EventBridge Scheduler. https://aws.amazon.com/eventbridge/pricing/
    scheduler_million_invocations: _Usd = 1.00
    # A GB of log that is taken in, those of an API's access log too. https://aws.amazon.com/cloudwatch/pricing/
    logs_gb: _Usd = 0.50
    # A month of a custom metric (only the hours in which it has values count), of an alarm on one metric, of a
    # dashboard. https://aws.amazon.com/cloudwatch/pricing/
    metric_month: _Usd = 0.30
    alarm_month: _Usd = 0.10
    dashboard_month: _Usd = 3.00


# Each line of a bill: its unit, its price, and for how many units that price is.
_LINES = {
    "API requests": ("requests", "api_million_requests", MILLION),
    "Lambda invocations": ("requests", "lambda_million_requests", MILLION),
    "Lambda duration": ("GB-seconds", "lambda_gb_second", 1),
    "SQS requests": ("requests", "sqs_million_requests", MILLION),
    "DynamoDB writes": ("units", "dynamodb_million_write_units", MILLION),
    "DynamoDB reads": ("units", "dynamodb_million_read_units", MILLION),
    "Firings": ("invocations", "scheduler_million_invocations", MILLION),
    "Logs": ("GB", "logs_gb", 1),
    "Access log": ("GB", "logs_gb", 1),
    "Table storage": ("GB", "dynamodb_gb_month", 1),
    "Table backup": ("GB", "dynamodb_backup_gb_month", 1),
    "Alarms": ("alarms", "alarm_month", 1),
    "Empty receives": ("requests", "sqs_million_requests", MILLION),
    "Dashboard": ("dashboard", "dashboard_month", 1),
    "Custom metrics": ("metrics", "metric_month", 1),
}


def priced(prices: Prices, quantities: Mapping[str, float]) -> list[Item]:
    """Return what these quantities cost; they are named as the lines of a bill are."""
    items = []
    for name, quantity in quantities.items():
        unit, price, units = _LINES[name]
        usd = quantity * (getattr(prices, price) / units)
        items.append(Item(name=name, quantity=round(quantity, 9), unit=unit, usd=usd))
    return items


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
        raise InvalidInputError(
            f"Invalid price list {path}: {first_problem(error)}.", "Supported: " + ", ".join(Prices.model_fields)
        ) from None
