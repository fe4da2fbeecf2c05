"""The installed command line against a live engine of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ftask.aws.target import Target
from ftask.local.engine import Engine
from tests.support.cli import Cli, make_cli


@pytest.fixture(scope="session")
def cli(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Cli:
    """The command line over the session's engine, with nothing deployed yet by itself."""
    return make_cli(engine.root, tmp_path_factory.mktemp("cwd"))


@pytest.fixture(scope="session")
def deployed(cli: Cli) -> Cli:
    """The command line with the stack deployed."""
    done = cli("deploy", "--yes")
    assert done.code == 0, done.err
    return cli


@pytest.fixture
def target(engine: Engine) -> Target:
    running = engine.running()
    assert running is not None
    return Target.local(running.endpoint_url)


@pytest.fixture
def cli_without_engine(tmp_path: Path) -> Cli:
    """The command line for what needs no stage; an engine that it started all the same would show in its folder."""
    return make_cli(tmp_path / "state", tmp_path)


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Cli]:
    """A command line with a fresh engine that the test may start, stop and kill."""
    root = tmp_path / "state"
    yield make_cli(root, tmp_path)
    Engine(root).stop()
