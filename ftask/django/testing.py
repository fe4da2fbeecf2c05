"""Django's backends for tests, which take tasks with the options of ftask.

TASKS = {"default": {"BACKEND": "ftask.django.testing.ImmediateBackend"}}
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from ftask.django.declaration import FtaskTask
from ftask.django.library import NAME

_Immediate: Any = import_module(f"{NAME}.backends.immediate").ImmediateBackend
_Dummy: Any = import_module(f"{NAME}.backends.dummy").DummyBackend


class ImmediateBackend(_Immediate):
    """Runs a task when it is enqueued."""

    task_class = FtaskTask


class DummyBackend(_Dummy):
    """Keeps in `results` what is enqueued, and runs nothing."""

    task_class = FtaskTask
