"""One engine, one stack and one proxy for the tests of chaos."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from random import Random

import pytest

from ftask.aws.target import Target
from tests.chaos.proxy import FaultyProxy
from tests.chaos.site import Site
from tests.conftest import start_engine
from tests.support.cli import make_cli


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Site]:
    if sys.platform != "linux":
        pytest.skip("workers are found and killed by way of /proc")
    seed = pytestconfig.getoption("--chaos-seed")
    rng = Random(seed)
    engine = start_engine(tmp_path_factory.mktemp("chaos"))
    running = engine.running()
    assert running is not None
    try:
        with FaultyProxy(running.endpoint_url, rng) as proxy:
            made = Site(make_cli(engine.root, engine.root), Target.local(running.endpoint_url), proxy, rng)
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
