"""What the settings of a stack promise: rates, attempts and delays, in closed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ftask.core.errors import FtaskError
from ftask.core.retry import RetryPolicy
from ftask.core.workload import SLOW


@dataclass(frozen=True)
class Expectation:
    """Each attempt fails with probability `rate`, independently, and at most `max_attempts` are made."""

    rate: float
    max_attempts: int
    policy: RetryPolicy

    @property
    def failed_share(self) -> float:
        """The share of tasks that end `FAILED`: those whose every attempt fails."""
        return float(self.rate**self.max_attempts)

    @property
    def mean_attempts(self) -> float:
        """Attempts of a task: the k-th takes place if the k-1 before it failed."""
        return sum(self.rate**k for k in range(self.max_attempts))

    @property
    def mean_backoff_seconds(self) -> float:
        """The time that a task spends waiting between its attempts."""
        return sum(self.rate**attempt * self.mean_delay_seconds(attempt) for attempt in range(1, self.max_attempts))

    def share_with(self, attempts: int) -> float:
        """The share of tasks that end after exactly so many attempts."""
        reached = self.rate ** (attempts - 1)
        return float(reached if attempts == self.max_attempts else reached * (1 - self.rate))

    def mean_delay_seconds(self, attempt: int) -> float:
        """The mean delay after failed attempt number `attempt`."""
        return self.policy.ceiling_seconds(attempt) / (2 if self.policy.jitter else 1)

    def delay_bounds(self, attempt: int) -> tuple[float, float]:
        """The shortest and the longest delay that the rule allows after failed attempt number `attempt`."""
        ceiling = self.policy.ceiling_seconds(attempt)
        return (0.0 if self.policy.jitter else ceiling), ceiling


def rate_of(message: str, error_rate: float) -> float:
    """The share of attempts at `message` that the built-in work fails.

    Raises:
        FtaskError: the message kills workers, and the tasks of others with them, so no rate can be expected.
    """
    if message in ("CRASH", "HANG"):
        raise FtaskError(
            f"{message} takes the other tasks of its batch with it, so no error rate can be expected.",
            "Use another message; `pytest tests/chaos` is the experiment with workers that die.",
        )
    if message == "SUCCESS" or message.startswith(SLOW):
        return 0.0
    return 1.0 if message == "ERROR" else error_rate


def expected(message: str, parameters: Mapping[str, str]) -> Expectation:
    """What a stack that was deployed with `parameters` promises for tasks with `message`.

    Raises:
        FtaskError: the stack does not say, or the message is one that kills workers.
    """
    try:
        return Expectation(
            rate_of(message, float(parameters["ErrorRate"])),
            int(parameters["MaxAttempts"]),
            RetryPolicy(
                float(parameters["BackoffBaseSeconds"]),
                float(parameters["BackoffCapSeconds"]),
                parameters["BackoffJitter"] == "true",
            ),
        )
    except KeyError as error:
        raise FtaskError(
            f"The stack has no parameter {error}, so there is nothing to compare with.", "Deploy it again: ftask deploy"
        ) from error
