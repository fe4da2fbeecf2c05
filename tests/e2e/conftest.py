"""The installed command line against a live engine of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ftask.aws.stack import deployed_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.model import Status
from ftask.local.engine import Engine
from ftask.local.record import PORT_VARIABLE, any_free_port
from ftask.selection.filter import TaskFilter
from ftask.selection.scan import scan_tasks
from tests.support.cli import Cli, make_cli
from tests.support.engines import local_target
from tests.support.waiting import until


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
    return local_target(engine)


@pytest.fixture
def cli_without_engine(tmp_path: Path) -> Cli:
    """The command line for what needs no stage; an engine that it started all the same would show in its folder."""
    return make_cli(tmp_path / "state", tmp_path)


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Cli]:
    """A command line with a fresh engine that the test may start, stop and kill."""
    root = tmp_path / "state"
    cli = make_cli(root, tmp_path)
    # An engine comes back at its port alone, and other tests start some at the same time.
    cli.environment[PORT_VARIABLE] = str(any_free_port())
    yield cli
    Engine(root).stop()


@pytest.fixture
def stage(deployed: Cli, target: Target) -> Iterator[Stage]:
    """The deployed stage at rest, without a task or a dead letter; failed and unfinished ones are gone afterwards."""
    stage = Stage(target, deployed_stack(target))
    # What another test left to run, an interrupted experiment for one, may still fail.
    until(lambda: not stage.queue_depth().total, "nothing waits or is in flight")
    _clear(stage, *Status)
    yield stage
    _clear(stage, Status.FAILED, *(status for status in Status if not status.terminal))


def _clear(stage: Stage, *statuses: Status) -> None:
    """Delete the dead letters and the tasks of these statuses: without a message, one that waits would be overdue."""
    stage.target.sqs.purge_queue(QueueUrl=stage.outputs.dead_letter_queue_url)
    for page in scan_tasks(stage, TaskFilter(statuses=statuses)):
        for item in page.items:
            stage.target.dynamodb.delete_item(TableName=stage.outputs.table, Key={"taskId": item["taskId"]})
