"""Rules between the stack's parameters: values that the template allows one by one, and that do not work together.

Pure: `ftask deploy` refuses such values before it plans, `ftask doctor` reports those of a stage that is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ftask.core.errors import InvalidInputError
from ftask.core.ranges import RANGES

# How long after a worker's timeout its messages are delivered again: longer than the margin that a lease gives to
# clocks that differ. AWS advises six times the timeout, so that throttled deliveries do not use up a message's
# receives; here receives decide nothing. While Lambda waits for a batch to fill, its messages are hidden already.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
VISIBILITY_MARGIN_SECONDS = 10
# With more than this, a task whose worker died waits for nothing.
LONG_VISIBILITY_MARGIN_SECONDS = 60
# What the template allows for WorkerConcurrency; 0 leaves it to Lambda.
WORKER_CONCURRENCIES = (0, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 50, 64, 100, 150, 200, 300, 500, 750, 1000)
# As many batches of a queue Lambda runs at once without a limit of the mapping.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
_UNLIMITED_CONCURRENCY = 1250
# Parameters that are lists, which the template splits at their commas.
LISTS = frozenset({"CorsAllowOrigins", "JwtAudience", "JwtScopes", "VpcSecurityGroupIds", "VpcSubnetIds"})


class Severity(StrEnum):
    """How much a contradiction hurts."""

    NOTE = "note"  # works, and could be better
    WARNING = "warning"  # will hurt under load
    ERROR = "error"  # does not work; a deployment refuses it


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Values that do not work together. `remedy` is a NAME=VALUE pair that resolves it, `advice` says so in words."""

    severity: Severity
    message: str
    advice: str
    remedy: str


def contradictions(parameters: Mapping[str, str], account_concurrency: int | None = None) -> list[Contradiction]:
    """Return what contradicts what among the stack's parameters; a rule about a missing parameter is skipped.

    `account_concurrency` is how many functions the account runs at once, the API among them; None where that is not
    known.

    Raises:
        InvalidInputError: a value is not a number.
    """
    return [*_of_timeouts(parameters), *_of_concurrency(parameters, account_concurrency)]


def advised_visibility_seconds(worker_timeout_seconds: float, batch_window_seconds: float = 0) -> float:
    """Return the visibility timeout for a worker with this timeout, whose batches wait that long to fill."""
    return min(
        worker_timeout_seconds + batch_window_seconds + VISIBILITY_MARGIN_SECONDS, RANGES["VisibilityTimeout"][1]
    )


def number(parameters: Mapping[str, str], name: str) -> float | None:
    """Return the parameter's value; None if it is missing.

    Raises:
        InvalidInputError: the value is not a number.
    """
    if name not in parameters:
        return None
    try:
        return float(parameters[name])
    except ValueError:
        raise InvalidInputError(f"{name} is {parameters[name]!r}, not a number.") from None


def _of_timeouts(parameters: Mapping[str, str]) -> Iterator[Contradiction]:
    timeout = number(parameters, "WorkerTimeout")
    visibility = number(parameters, "VisibilityTimeout")
    budget = number(parameters, "TaskBudgetSeconds")
    if timeout is None:
        return
    window = number(parameters, "WorkerBatchWindow") or 0
    advised = advised_visibility_seconds(timeout, window)
    remedy = f"VisibilityTimeout={advised:g}"
    hidden = f"WorkerTimeout ({timeout:g} s)" + (f" and WorkerBatchWindow ({window:g} s)" if window else "")
    if visibility is not None and visibility < timeout + window:
        yield Contradiction(
            Severity.ERROR,
            f"VisibilityTimeout ({visibility:g} s) is below {hidden}: SQS delivers a message again"
            " while its task still runs.",
            f"Raise VisibilityTimeout to {advised:g}.",
            remedy,
        )
    elif visibility is not None and visibility > timeout + window + LONG_VISIBILITY_MARGIN_SECONDS:
        yield Contradiction(
            Severity.NOTE,
            f"VisibilityTimeout ({visibility:g} s) is far above {hidden}: a task whose worker died"
            " waits that long for its next attempt.",
            f"Lower VisibilityTimeout to {advised:g}.",
            remedy,
        )
    if budget is not None and budget >= timeout:
        yield Contradiction(
            Severity.ERROR,
            f"TaskBudgetSeconds ({budget:g} s) is not below WorkerTimeout ({timeout:g} s): no task would ever begin.",
            "Lower TaskBudgetSeconds or raise WorkerTimeout.",
            f"TaskBudgetSeconds={timeout / 2:g}",
        )


def _of_concurrency(parameters: Mapping[str, str], account_concurrency: int | None) -> Iterator[Contradiction]:
    concurrency = number(parameters, "WorkerConcurrency")
    if concurrency is None or account_concurrency is None:
        return
    if (concurrency or _UNLIMITED_CONCURRENCY) < account_concurrency:
        return
    shown = f"{concurrency:g}" if concurrency else "no limit"
    half = max((value for value in WORKER_CONCURRENCIES if 0 < value <= account_concurrency / 2), default=2)
    yield Contradiction(
        Severity.WARNING,
        f"WorkerConcurrency ({shown}) can take all of the {account_concurrency:,} functions that the account"
        " runs at once: while the worker is busy, Lambda throttles the API.",
        "Lower WorkerConcurrency, or ask AWS for a higher limit of concurrent executions (Service Quotas).",
        f"WorkerConcurrency={half}",
    )
