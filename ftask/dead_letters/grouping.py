"""Failed tasks by kind of error: the same type, and the same message but for what varies."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from ftask.core.failed_index import FailedTask

# What differs between two occurrences of one error, and what stands for it in a group's name.
_VARIABLE_PARTS = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{12,}\b", re.IGNORECASE), "<id>"),
    (re.compile(r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?"), "<time>"),
    (re.compile(r"'[^']*'|\"[^\"]*\""), "<text>"),
    (re.compile(r"(?<![\w<])[-+]?\d+(\.\d+)?"), "<n>"),
)


@dataclass(frozen=True, slots=True)
class Group:
    """Failures of one kind: the same type, and the same message but for numbers, ids, times and quoted text."""

    type: str
    message: str
    count: int
    first_at: datetime
    last_at: datetime
    example: str


def grouped(failures: Iterable[FailedTask]) -> list[Group]:
    """The failures by kind, the largest group first. Given newest first, a group's example is its newest."""
    groups: dict[tuple[str, str], Group] = {}
    for failure in failures:
        kind = (failure.error.type, normalised(failure.error.message))
        known = groups.get(kind)
        if known is None:
            groups[kind] = Group(*kind, 1, failure.failed_at, failure.failed_at, failure.task_id)
        else:
            groups[kind] = replace(
                known,
                count=known.count + 1,
                first_at=min(known.first_at, failure.failed_at),
                last_at=max(known.last_at, failure.failed_at),
            )
    return sorted(groups.values(), key=lambda group: (-group.count, group.type, group.message))


def normalised(message: str) -> str:
    """The message with its variable parts replaced: what two occurrences of one error share."""
    for pattern, placeholder in _VARIABLE_PARTS:
        message = pattern.sub(placeholder, message)
    return message
