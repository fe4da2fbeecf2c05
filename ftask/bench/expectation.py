"""What the settings of a stack promise, in closed form: rates, attempts and delays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ftask.core.errors import FtaskError
from ftask.core.retry import RetryPolicy
from ftask.core.workload import SLOW


@dataclass(frozen=True)
class Expectation:
    """The promise of a stack: each attempt fails with probability `rate`, and a task has at most `max_attempts`."""

    rate: float
    max_attempts: int
    policy: RetryPolicy

    @property
    def failed_share(self) -> float:
        """The share of tasks that end `FAILED`: all of their attempts fail."""
        return float(self.rate**self.max_attempts)

    @property
    def mean_attempts(self) -> float:
        """The mean number of attempts per task: attempt k happens if the k-1 before it failed."""
        return sum(self.rate**k for k in range(self.max_attempts))

    @property
    def mean_backoff_seconds(self) -> float:
        """The mean time that a task waits between its attempts, in total."""
        return sum(self.rate**attempt * self.mean_delay_seconds(attempt) for attempt in range(1, self.max_attempts))

    def share_with(self, attempts: int) -> float:
        """Return the share of tasks that end after exactly so many attempts."""
        reached = self.rate ** (attempts - 1)
        return float(reached if attempts == self.max_attempts else reached * (1 - self.rate))

    def mean_delay_seconds(self, attempt: int) -> float:
        """Return the mean delay after failed attempt number `attempt`."""
        return self.policy.ceiling_seconds(attempt) / (2 if self.policy.jitter else 1)

    def delay_bounds(self, attempt: int) -> tuple[float, float]:
        """Return the shortest and the longest delay after failed attempt number `attempt`, in seconds."""
        ceiling = self.policy.ceiling_seconds(attempt)
        return (0.0 if self.policy.jitter else ceiling), ceiling


def rate_of(message: str, error_rate: float) -> float:
    """Return the share of attempts that fail for tasks with `message`.

    Raises:
        FtaskError: the message kills workers, and other tasks with them, so no rate can be expected.
    """
    if message in ("CRASH", "HANG"):
        raise FtaskError(
            f"{message} kills the worker and takes the other tasks of its batch with it, so no error rate is expected.",
            "Use another --message. The experiment with workers that die is: pytest tests/chaos",
        )
    if message == "SUCCESS" or message.startswith(SLOW):
        return 0.0
    return 1.0 if message == "ERROR" else error_rate


def expected(message: str, parameters: Mapping[str, str]) -> Expectation:
    """Return what a stack with these `parameters` promises for tasks with `message`.

    Raises:
        FtaskError: the stack lacks a parameter, or the message kills workers.
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
            f"The stack has no parameter {error}, so there is nothing to compare the run with.",
            "Deploy it again: ftask deploy",
        ) from error
