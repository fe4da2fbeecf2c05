"""The settings of the two functions, from their environment; an invalid one fails before any work.

CloudFormation gives a function its new code before its new variables, and takes them back in the same order. So a
variable that is added has a default, and none is taken away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from ftask.core.errors import SettingsError
from ftask.core.ranges import RANGES
from ftask.core.retry import RetryPolicy


@dataclass(frozen=True, slots=True)
class ApiSettings:
    """The settings of the API function."""

    stack: str
    table: str
    queue_url: str
    max_attempts: int
    retention: timedelta

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> ApiSettings:
        """Return the settings in `environment`.

        Raises:
            SettingsError: a variable is missing, not of its kind or out of its range.
        """
        read = _Reader(environment)
        return cls(
            stack=read.text("FTASK_STACK", default=read.stack_of_function()),
            table=read.text("FTASK_TABLE"),
            queue_url=read.text("FTASK_QUEUE_URL"),
            max_attempts=int(read.number("FTASK_MAX_ATTEMPTS", "MaxAttempts")),
            retention=timedelta(days=read.number("FTASK_RETENTION_DAYS", "TaskRetentionDays")),
        )


@dataclass(frozen=True, slots=True)
class ScheduleSettings:
    """What a schedule needs that sends a message: its group, the role that sends, and the ARNs of both queues."""

    group: str
    role_arn: str
    queue_arn: str
    dead_letter_queue_arn: str


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The settings of the worker function."""

    stack: str
    table: str
    queue_url: str
    dead_letter_queue_url: str
    policy: RetryPolicy
    error_rate: float
    budget: timedelta
    retention: timedelta
    # What tasks log below it is left out.
    log_level: str
    # None while a deployment adds its variables: then messages wait in the queue.
    schedules: ScheduleSettings | None = None
    # Of tasks that schedules make; 2 while a deployment adds the variable.
    max_attempts: int = 2

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> WorkerSettings:
        """Return the settings in `environment`.

        Raises:
            SettingsError: a variable is missing, not of its kind or out of its range.
        """
        read = _Reader(environment)
        return cls(
            stack=read.text("FTASK_STACK", default=read.stack_of_function()),
            table=read.text("FTASK_TABLE"),
            queue_url=read.text("FTASK_QUEUE_URL"),
            dead_letter_queue_url=read.text("FTASK_DEAD_LETTER_QUEUE_URL"),
            policy=RetryPolicy(
                base_seconds=read.number("FTASK_BACKOFF_BASE_SECONDS", "BackoffBaseSeconds"),
                cap_seconds=read.number("FTASK_BACKOFF_CAP_SECONDS", "BackoffCapSeconds"),
                jitter=read.flag("FTASK_BACKOFF_JITTER"),
            ),
            error_rate=read.number("FTASK_ERROR_RATE", "ErrorRate"),
            budget=timedelta(seconds=read.number("FTASK_TASK_BUDGET_SECONDS", "TaskBudgetSeconds")),
            retention=timedelta(days=read.number("FTASK_RETENTION_DAYS", "TaskRetentionDays")),
            log_level=read.text("FTASK_LOG_LEVEL", default="INFO"),
            max_attempts=int(read.number("FTASK_MAX_ATTEMPTS", "MaxAttempts", default="2")),
            schedules=None
            if "FTASK_SCHEDULE_GROUP" not in environment
            else ScheduleSettings(
                group=read.text("FTASK_SCHEDULE_GROUP"),
                role_arn=read.text("FTASK_SCHEDULER_ROLE_ARN"),
                queue_arn=read.text("FTASK_QUEUE_ARN"),
                dead_letter_queue_arn=read.text("FTASK_DEAD_LETTER_QUEUE_ARN"),
            ),
        )


class _Reader:
    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def stack_of_function(self) -> str:
        # The template names the functions after the stack: NAME-api, NAME-worker.
        return self._environment.get("AWS_LAMBDA_FUNCTION_NAME", "").rpartition("-")[0]

    def text(self, name: str, default: str = "") -> str:
        value = self._environment.get(name, default)
        if not value:
            raise SettingsError(f"The environment variable {name} is not set.", "Deploy the stack again.")
        return value

    def number(self, name: str, parameter: str, default: str = "") -> float:
        text = self.text(name, default)
        try:
            value = float(text)
        except ValueError:
            raise SettingsError(f"{name} is {text!r}, not a number.") from None
        low, high = RANGES[parameter]
        if not low <= value <= high:
            raise SettingsError(f"{name} is {text}; it must be from {low:g} to {high:g}.")
        return value

    def flag(self, name: str) -> bool:
        text = self.text(name)
        if text not in ("true", "false"):
            raise SettingsError(f"{name} is {text!r}; it must be true or false.")
        return text == "true"
