"""Rules between the stack's parameters: values that the template allows one by one, and that do not work together.

Pure: `ftask deploy` refuses such values before it plans, `ftask doctor` reports those of a stage that is deployed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ftask.core.errors import FtaskError

# AWS's advice for a queue that feeds a function.
# https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
ADVISED_VISIBILITY_FACTOR = 6
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-visibility-timeout.html
MAX_VISIBILITY_SECONDS = 43_200


class Severity(StrEnum):
    """How much a contradiction hurts."""

    NOTE = "note"  # works, against AWS's advice
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

    `account_concurrency` is how many functions the account runs at once, None where that is not known.

    Raises:
        FtaskError: a value is not a number.
    """
    return [*_of_timeouts(parameters), *_of_concurrency(parameters, account_concurrency)]


def advised_visibility_seconds(worker_timeout_seconds: float) -> float:
    """Return the visibility timeout that AWS advises for a queue that feeds a function with this timeout."""
    return min(ADVISED_VISIBILITY_FACTOR * worker_timeout_seconds, MAX_VISIBILITY_SECONDS)


def number(parameters: Mapping[str, str], name: str) -> float | None:
    """Return the parameter's value; None if it is missing.

    Raises:
        FtaskError: the value is not a number.
    """
    if name not in parameters:
        return None
    try:
        return float(parameters[name])
    except ValueError:
        raise FtaskError(f"{name} is {parameters[name]!r}, not a number.") from None


def _of_timeouts(parameters: Mapping[str, str]) -> Iterator[Contradiction]:
    timeout = number(parameters, "WorkerTimeout")
    visibility = number(parameters, "VisibilityTimeout")
    budget = number(parameters, "TaskBudgetSeconds")
    if timeout is None:
        return
    advised = advised_visibility_seconds(timeout)
    if visibility is not None and visibility < advised:
        advice = f"Raise VisibilityTimeout to {advised:g}: AWS advises six times WorkerTimeout."
        remedy = f"VisibilityTimeout={advised:g}"
        values = f"VisibilityTimeout ({visibility:g} s) is below"
        if visibility < timeout:
            text = f"{values} WorkerTimeout ({timeout:g} s): SQS delivers a message again while its task still runs."
            yield Contradiction(Severity.ERROR, text, advice, remedy)
        else:
            text = f"{values} six times WorkerTimeout ({timeout:g} s): throttled deliveries come back early."
            yield Contradiction(Severity.NOTE, text, advice, remedy)
    if budget is not None and budget >= timeout:
        yield Contradiction(
            Severity.ERROR,
            f"TaskBudgetSeconds ({budget:g} s) is not below WorkerTimeout ({timeout:g} s): no task would ever begin.",
            "Lower TaskBudgetSeconds or raise WorkerTimeout.",
            f"TaskBudgetSeconds={timeout / 2:g}",
        )


def _of_concurrency(parameters: Mapping[str, str], account_concurrency: int | None) -> Iterator[Contradiction]:
    concurrency = number(parameters, "WorkerConcurrency")
    if concurrency is None or account_concurrency is None or concurrency <= account_concurrency:
        return
    yield Contradiction(
        Severity.WARNING,
        f"WorkerConcurrency ({concurrency:g}) is above the account's limit of {account_concurrency:,} functions at"
        " once: Lambda throttles deliveries.",
        "Ask AWS for a higher limit, or lower WorkerConcurrency.",
        f"WorkerConcurrency={account_concurrency}",
    )
