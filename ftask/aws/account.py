"""What the account gives to the functions of all its stages."""

from __future__ import annotations

from typing import Any

from ftask.aws.errors import translate_aws_errors
from ftask.aws.target import Target


def concurrency_limit(target: Target) -> int | None:
    """Return how many functions without reserved concurrency may run at once; None if the endpoint has no limit.

    New accounts have 10, until AWS raises it.
    https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

    Raises:
        FtaskError: the credentials may not ask.
    """
    with translate_aws_errors():
        limits: Any = target.lambda_.get_account_settings().get("AccountLimit", {})
    limit = limits.get("UnreservedConcurrentExecutions", limits.get("ConcurrentExecutions"))
    return limit if isinstance(limit, int) else None
