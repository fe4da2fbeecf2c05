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
    """The result of a check.

    `fix` repairs it and returns what it did, or raises FtaskError where that failed; None where only a person can.
    """

    check: str
    level: Level
    message: str
    hint: str | None = None
    fix: Callable[[], str] | None = None

    @property
    def needs_attention(self) -> bool:
        """Whether it hurts now or will hurt some day."""
        return self.level in (Level.WARNING, Level.ERROR)


@dataclass(frozen=True)
class Repair:
    """What became of the repair of a finding."""

    text: str
    is_done: bool
