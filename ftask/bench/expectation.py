"""What the settings of a stack promise, in closed form: rates, attempts and delays."""

from __future__ import annotations

from dataclasses import dataclass

from ftask.core.retry import RetryPolicy


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
        """Return the share of tasks that end after exactly this number of attempts."""
        reached = self.rate ** (attempts - 1)
        return float(reached if attempts == self.max_attempts else reached * (1 - self.rate))

    def mean_delay_seconds(self, attempt: int) -> float:
        """Return the mean delay after failed attempt number `attempt`."""
        return self.policy.ceiling_seconds(attempt) / (2 if self.policy.jitter else 1)

    def delay_bounds(self, attempt: int) -> tuple[float, float]:
        """Return the shortest and the longest delay after failed attempt number `attempt`, in seconds."""
        ceiling = self.policy.ceiling_seconds(attempt)
        return (0.0 if self.policy.jitter else ceiling), ceiling
