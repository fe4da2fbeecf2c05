"""Errors of the local engine."""

from __future__ import annotations

from ftask.core.errors import FtaskError


class EngineError(FtaskError):
    """The local engine cannot start, stop or be used; its message says why."""
