"""What a cancel did to a task, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from ftask.actions.cancel import CancelResult
from ftask.core.cancellation import Cancellation

TEXTS: Mapping[Cancellation, str] = {
    Cancellation.CANCELLED: "cancelled",
    Cancellation.REQUESTED: "running: the attempt may finish, and no further one begins",
    Cancellation.ENDED: "ended before",
    Cancellation.UNKNOWN: "not found",
    Cancellation.BUSY: "kept changing: run the command again",
}


def cancellation_text(result: CancelResult) -> str:
    """Return what a cancel did to one task, to follow its id."""
    ended = f" ({result.status})" if result.outcome is Cancellation.ENDED else ""
    return f"{TEXTS[result.outcome]}{ended}"


def cancellations_text(outcomes: Counter[Cancellation]) -> str:
    """Return one line with the number of tasks of each outcome."""
    return "; ".join(f"{outcomes[outcome]:,} {text}" for outcome, text in TEXTS.items() if outcomes[outcome]) + "."
