"""Jobs for handlers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from ftask.core.timestamps import now


@dataclass(frozen=True)
class AJob:
    """The second of three attempts of a task."""

    type: str
    payload: dict[str, Any] = field(default_factory=dict)
    task_id: str = "0" * 32
    epoch: int = 1
    attempt: int = 2
    max_attempts: int = 3
    deadline: datetime = field(default_factory=lambda: now() + timedelta(seconds=30))
