"""When a request to the stage's API is sent again, and after how long: one rule for requests and for their tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# Throttled, or a failure that passes. The idempotency key makes a retry safe.
RETRYABLE_STATUSES = frozenset({429, 500, 502, 503, 504})
# One pause per retry, for answers without a Retry-After.
PAUSES_SECONDS = (0.5, 1.5, 4.0)
# The longest Retry-After that is waited for: an error tells an operator more than a long silence.
MAX_PAUSE_SECONDS = 30.0


def retry_pause(failures: int, retry_after: str | None, now: datetime) -> float | None:
    """Return the seconds to wait after this number of failures in a row; None if the request is not sent again.

    `retry_after` is the header of the answer, which goes before the pause of our own.
    """
    if failures > len(PAUSES_SECONDS):
        return None
    seconds = parse_retry_after(retry_after, now)
    return PAUSES_SECONDS[failures - 1] if seconds is None else min(seconds, MAX_PAUSE_SECONDS)


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


@dataclass
class Retries:
    """The retries of one request. `stopping` cuts a pause short and ends the retries."""

    stopping: threading.Event
    now: Callable[[], datetime]
    _failures: int = 0

    def wait(self, retry_after: str | None = None) -> bool:
        """Wait before the next try; return False if the request is not sent again."""
        self._failures += 1
        pause_seconds = retry_pause(self._failures, retry_after, self.now())
        return pause_seconds is not None and not self.stopping.wait(pause_seconds)
