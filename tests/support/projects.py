"""A project of the user's in a folder, imported into this process and forgotten afterwards."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ftask.tasks.conversion import convert
from ftask.tasks.declaration import fresh_registry


@contextmanager
def project_in(folder: Path, tasks: str, settings: str = '[tasks]\nmodule = "tasks"\n') -> Iterator[Path]:
    """Write tasks.py and ftask.toml into `folder`, and work there."""
    (folder / "ftask.toml").write_text(settings)
    (folder / "tasks.py").write_text(tasks)
    with fresh_registry(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        # Without the folder of unit tests, where `tasks` is a package of tests.
        patch.setattr(sys, "path", [entry for entry in sys.path if not entry.endswith("/tests/unit")])
        yield folder
    sys.modules.pop("tasks", None)
    convert(by_pydantic=True)
