"""The attempts of a task that `ftask run` runs."""

from __future__ import annotations

import json

from ftask.core.model import Task
from ftask.render.times import duration


def attempt_line(task: Task) -> str:
    """Return how the last attempt of `task` ended, and when the next one follows, as one line."""
    attempt = task.history[-1]
    parts = [f"attempt {attempt.number} of {task.max_attempts}", str(task.status)]
    if attempt.ended_at is not None:
        parts.append(duration((attempt.ended_at - attempt.started_at).total_seconds()))
    if attempt.error is not None:
        parts.append(f"{attempt.error.type}: {attempt.error.message}")
    if attempt.backoff_seconds is not None:
        parts.append(f"next in {duration(attempt.backoff_seconds)}")
    return "  ".join(parts)


def result_text(task: Task) -> str:
    """Return the result of a completed task as indented JSON; `null` without a result."""
    return json.dumps(json.loads(task.result or "null"), indent=2, ensure_ascii=False)
