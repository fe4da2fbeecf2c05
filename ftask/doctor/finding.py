"""A finding of `ftask doctor`: its level, what to do about it, and its repair if it has one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from ftask.core.errors import FtaskError


class Level(StrEnum):
    """How much a finding hurts."""

    OK = "ok"
    NOTE = "note"  # worth knowing
    WARNING = "warning"  # will hurt some day, or hurts a few tasks
    ERROR = "error"  # hurts now


@dataclass(frozen=True)
class Finding:
    """The result of a check.

    `fix` repairs it and returns what it did, or raises FtaskError; None where only a person can. `repair` says what
    the repair did, or why it failed; None until it is made.
    """

    check: str
    level: Level
    message: str
    hint: str | None = None
    fix: Callable[[], str] | None = None
    repair: str | None = None
    is_repaired: bool = False

    @property
    def needs_attention(self) -> bool:
        """Whether it hurts now or will hurt some day."""
        return not self.is_repaired and self.level in (Level.WARNING, Level.ERROR)

    def repaired(self) -> Finding:
        """Make the repair, if there is one; return the finding with its result. A repair that fails raises nothing."""
        if self.fix is None:
            return self
        try:
            return replace(self, repair=self.fix(), is_repaired=True)
        except FtaskError as error:
            return replace(self, repair=f"Not repaired. {error.message}" + (f" {error.hint}" if error.hint else ""))

    def json(self) -> dict[str, Any]:
        return {
            "check": self.check,
            "level": str(self.level),
            "message": self.message,
            "hint": self.hint,
            "fixable": self.fix is not None,
            "repair": self.repair,
            "repaired": self.is_repaired,
        }
