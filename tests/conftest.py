"""The worlds that tests run in: moto in the process, and the live engine."""

from __future__ import annotations

import gc
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from hypothesis import settings
from moto import mock_aws

from ftask.home.cache import CACHE_DIR_VARIABLE
from ftask.home.state_folder import STATE_DIR_VARIABLE
from ftask.local.engine import Engine
from tests.support import quick_botocore, resources
from tests.support.engines import local_target
from tests.support.figures import pytest_terminal_summary as pytest_terminal_summary
from tests.support.quick_moto import quick_moto
from tests.support.resources import Resources

# Without bytecode, each process that the tests start compiles the same modules again.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# How long an example takes says how busy the machine is.
settings.register_profile("usual", deadline=None, max_examples=40)
settings.register_profile("whole", deadline=None)
settings.load_profile("usual")


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("ftask", "how long the open-ended tests go on, and the picture")
    group.addoption("--stories", type=int, default=30, help="random stories that tests/crash tells (default: 30)")
    group.addoption("--whole", action="store_true", help="what takes too long for a usual run")
    group.addoption("--chaos-seconds", type=float, default=12, help="how long tests/chaos hurts (default: 12)")
    group.addoption("--chaos-seed", type=int, default=None, help="repeat the decisions of an earlier chaos")
    group.addoption("--redraw", action="store_true", help="draw the README's picture of a terminal anew")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--whole"):
        settings.load_profile("whole")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In several processes, tests that wait for an engine run among those that compute; the short ones end the run."""
    if not config.getoption("--whole"):
        left_out = [item for item in items if item.get_closest_marker("whole")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    if not hasattr(config, "workerinput"):
        return
    folders: dict[str, list[pytest.Item]] = {}
    for item in items:
        folders.setdefault(item.path.parent.name, []).append(item)
    computing = folders.pop("contract", []) + folders.pop("crash", [])
    waiting = folders.pop("chaos", []) + folders.pop("e2e", [])
    share = {item: number / len(tests) for tests in (computing, waiting) for number, item in enumerate(tests)}
    items[:] = sorted(share, key=share.__getitem__) + [item for tests in folders.values() for item in tests]


@pytest.fixture(autouse=True)
def _no_credentials_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test can reach an account, whatever the machine is logged in to."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "FTASK_"))]:
        if name != STATE_DIR_VARIABLE:
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "no-config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "no-credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv(CACHE_DIR_VARIABLE, str(tmp_path / "cache"))


@pytest.fixture(scope="session", autouse=True)
def _nothing_is_computed_again() -> Iterator[None]:
    """botocore and moto remember what depends on their arguments alone."""
    # What has been imported stays; the garbage collector need not look through it again and again.
    gc.freeze()
    with quick_moto(), pytest.MonkeyPatch.context() as patch:
        quick_botocore.quicken(patch)
        yield


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A live engine of the test session's own."""
    if importlib.util.find_spec("ministack") is None:
        if os.environ.get("CI"):
            pytest.fail("the local engine is not installed: pip install '.[local]'")
        pytest.skip("the local engine is not installed (extra `local`)")
    engine = start_engine(tmp_path_factory.mktemp("engine"))
    yield engine
    engine.stop()


@pytest.fixture
def moto_resources() -> Iterator[Resources]:
    with mock_aws():
        yield resources.create(
            boto3.client("dynamodb", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b"),
            boto3.client("sqs", "us-east-1", aws_access_key_id="a", aws_secret_access_key="b"),
        )


@pytest.fixture
def engine_resources(engine: Engine) -> Resources:
    target = local_target(engine)
    return resources.create(target.dynamodb, target.sqs)


@pytest.fixture(params=["moto", pytest.param("engine", marks=pytest.mark.engine)])
def backend(request: pytest.FixtureRequest) -> Resources:
    """The same test against each implementation of the AWS APIs."""
    resources: Resources = request.getfixturevalue(f"{request.param}_resources")
    return resources


def start_engine(root: Path) -> Engine:
    """A running engine whose state is in `root`."""
    # The port of a user's own engine stays free for it.
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FTASK_LOCAL_PORT", str(_free_port()))
        engine = Engine(root)
        engine.ensure()
    return engine


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
