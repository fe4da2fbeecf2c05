from __future__ import annotations

from collections.abc import Iterator

import pytest

from ftask.tasks.declaration import Registry, fresh_registry


@pytest.fixture(autouse=True)
def registry() -> Iterator[Registry]:
    """The tasks that the test declares, apart from all others."""
    with fresh_registry() as fresh:
        yield fresh
