"""A status is declared in `ftask.core.model`; what else must know of it is held against that here."""

from __future__ import annotations

from ftask.core.metrics import METRICS
from ftask.core.model import Phase, Status


def test_every_status_has_its_phase_and_what_is_counted_is_a_metric() -> None:
    assert {status: status.phase for status in Status} == {
        Status.PENDING: Phase.WAITING,
        Status.PROCESSING: Phase.RUNNING,
        Status.RETRYING: Phase.WAITING,
        Status.COMPLETED: Phase.ENDED,
        Status.FAILED: Phase.ENDED,
        Status.CANCELLED: Phase.ENDED,
    }
    assert {status.metric for status in Status} - {""} <= METRICS
    assert all(status == status.value == status.name for status in Status)
