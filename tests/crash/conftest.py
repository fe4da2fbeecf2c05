"""One cloud for a whole process of tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.cloud import Cloud, cloud


@pytest.fixture(scope="session", name="cloud")
def _cloud() -> Iterator[Cloud]:
    with cloud() as made:
        yield made
