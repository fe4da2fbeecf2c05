"""What a check of `ftask doctor` reports: a finding, its level, and its repair if it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding hurts."""

    OK = "ok"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # will hurt some day, or hurts a few tasks
    ERROR = "error"  # hurts now


@dataclass(frozen=True)
class Finding:
    """The result of a check. `fix` repairs it and returns what it did; None where only a person can."""

    check: str
    level: Level
    message: str
    hint: str | None = None
    fix: Callable[[], str] | None = None
