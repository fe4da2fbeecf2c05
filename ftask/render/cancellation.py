"""What became of a task that was to be cancelled, in words."""

from __future__ import annotations

from ftask.core.cancellation import Cancellation
from ftask.ops.cancel import CancelResult


def cancellation_text(result: CancelResult) -> str:
    """Return what a cancel did to one task, to follow its id."""
    return {
        Cancellation.CANCELLED: "cancelled",
        Cancellation.REQUESTED: "an attempt is running: it may finish, and no further one begins",
        Cancellation.ENDED: f"had ended before ({result.status})",
        Cancellation.UNKNOWN: "does not exist",
        Cancellation.BUSY: "its state kept changing; cancel it again",
    }[result.outcome]
