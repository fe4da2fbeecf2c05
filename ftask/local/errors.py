"""What goes wrong with the local engine."""

from __future__ import annotations

from ftask.core.errors import FtaskError


class EngineError(FtaskError):
    """The local engine cannot do what it was asked to."""
