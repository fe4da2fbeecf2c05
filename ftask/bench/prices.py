"""List prices of AWS, each with its unit and its source."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

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
    # A GB of log that is taken in, those of an API's access log too. https://aws.amazon.com/cloudwatch/pricing/
    logs_gb: _Usd = 0.50
    # A month of a custom metric (only the hours in which it has values count), of an alarm on one metric, of a
    # dashboard. https://aws.amazon.com/cloudwatch/pricing/
    metric_month: _Usd = 0.30
    alarm_month: _Usd = 0.10
    dashboard_month: _Usd = 3.00


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
