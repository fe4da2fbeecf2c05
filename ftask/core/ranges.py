"""The ranges of the stack's parameters that the functions, `@task` and commands check too, by parameter."""

from __future__ import annotations

from collections.abc import Mapping

Range = tuple[float, float]

# A day outlasts the outage of a night.
_BACKOFF: Range = (0, 86_400)
# No function of Lambda runs longer.
# https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
_MAX_WORKER_SECONDS = 1800
RANGES: Mapping[str, Range] = {
    "MaxAttempts": (1, 100),
    "BackoffBaseSeconds": _BACKOFF,
    "BackoffCapSeconds": _BACKOFF,
    "ErrorRate": (0, 1),
    "WorkerTimeout": (20, _MAX_WORKER_SECONDS),
    # A worker keeps ten seconds to write down how an attempt ended.
    "TaskBudgetSeconds": (0, _MAX_WORKER_SECONDS - 10),
    "VisibilityTimeout": (20, 43_200),
    "WorkerMemory": (128, 10_240),
    # Above the 14 days of the queues: an item must outlive its messages.
    "TaskRetentionDays": (15, 3650),
}
