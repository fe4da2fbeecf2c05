"""When a request is sent again, and after how long: one rule for requests and for the tasks of a batch. No I/O."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import random as uniform

from ftask.core.timestamps import now

MAX_RETRIES = 4
# The pause doubles from the first to the longest, where the answer has no Retry-After.
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 8.0
# Clients that failed together do not come back together: a pause is shorter by up to this share.
JITTER = 0.25
# The longest Retry-After that is waited for: an error tells more than a long silence.
MAX_RETRY_AFTER_SECONDS = 30.0


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for, in seconds or as a date; None if it says neither.

    https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
    """
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


@dataclass(frozen=True, slots=True)
class RetryRule:
    """How often a request is sent again, with what chooses and measures its pauses."""

    max_retries: int = MAX_RETRIES
    random: Callable[[], float] = uniform
    now: Callable[[], datetime] = now

    def pause(self, failures: int, retry_after: str | None = None) -> float | None:
        """Return the seconds to wait after this number of failures; None if the request is not sent again.

        `retry_after` is the header of the answer, which goes before the pause of our own.
        """
        if failures > self.max_retries:
            return None
        seconds = parse_retry_after(retry_after, self.now())
        if seconds is not None:
            return min(seconds, MAX_RETRY_AFTER_SECONDS)
        pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** (failures - 1))
        return pause * (1 - JITTER * self.random())


@dataclass
class Retries:
    """The retries of one call."""

    rule: RetryRule
    failures: int = 0

    def next_pause(self, retry_after: str | None = None) -> float | None:
        """Count a failure; return the seconds to wait before the next try, None if none follows."""
        self.failures += 1
        return self.rule.pause(self.failures, retry_after)
