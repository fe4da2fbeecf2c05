"""One engine, one stack and one proxy for the tests of chaos."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from random import Random

import pytest

from tests.chaos.proxy import FaultyProxy
from tests.chaos.site import Site
from tests.conftest import start_engine
from tests.support.cli import make_cli
from tests.support.engines import local_target, running


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Site]:
    if sys.platform != "linux":
        pytest.skip("workers are found and killed by way of /proc")
    seed = pytestconfig.getoption("--chaos-seed")
    rng = Random(seed)
    engine = start_engine(tmp_path_factory.mktemp("chaos"))
    try:
        with FaultyProxy(running(engine).endpoint_url, rng) as proxy:
            made = Site(make_cli(engine.root, engine.root), local_target(engine), proxy, rng)
            made.deploy(
                "MaxAttempts=3",
                "BackoffBaseSeconds=1",
                "BackoffCapSeconds=4",
                "BackoffJitter=true",
                "TaskBudgetSeconds=2",
                "WorkerConcurrency=3",
            )
            yield made
    finally:
        engine.stop()
