"""One cloud for a whole process of tests, in a moto that ends with each test: other tests need an empty one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.cloud import Cloud, in_moto


@pytest.fixture(scope="session")
def cloud_of_process() -> Cloud:
    return Cloud()


@pytest.fixture
def cloud(cloud_of_process: Cloud) -> Iterator[Cloud]:
    with in_moto(cloud_of_process) as cloud:
        yield cloud
