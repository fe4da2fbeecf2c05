"""How a cockpit ended."""

from __future__ import annotations

import signal
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """How the cockpit ended: by a signal, by an error that the command reports, or because the user quit.

    `note` gives the result of a redrive that ran.
    """

    signal: signal.Signals | None = None
    error: Exception | None = None
    note: str | None = None
