"""Jobs for handlers."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from ftask.core.ports import Job
from ftask.core.timestamps import now


def a_job(
    task_type: str,
    payload: dict[str, Any] | None = None,
    task_id: str = "0" * 32,
    attempt: int = 2,
    deadline: datetime | None = None,
) -> Job:
    """Return an attempt, of three, of a task."""
    return Job(task_id, task_type, 1, attempt, 3, payload or {}, deadline or now() + timedelta(seconds=30))
