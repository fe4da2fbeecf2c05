"""The stories that are explored: each is told once here, and then crashed wherever it can be."""

from __future__ import annotations

from tests.crash.stories import (
    answers,
    bad_tasks,
    batch,
    cancel,
    copies,
    delays,
    discard,
    drain,
    firings,
    large_payloads,
    own_tasks,
    redrive,
    submit,
    unique,
    worker,
)

SCENARIOS = [
    *submit.SCENARIOS,
    *batch.SCENARIOS,
    *worker.SCENARIOS,
    *own_tasks.SCENARIOS,
    *redrive.SCENARIOS,
    *drain.SCENARIOS,
    *discard.SCENARIOS,
    *cancel.SCENARIOS,
    *bad_tasks.SCENARIOS,
    *answers.SCENARIOS,
    *copies.SCENARIOS,
    *large_payloads.SCENARIOS,
    *unique.SCENARIOS,
    *delays.SCENARIOS,
    *firings.SCENARIOS,
]
