"""The installed command line against a live engine of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ftask.aws.stack import deployed_stack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.item import item_to_task
from ftask.dead_letters.selection import failures
from ftask.local.engine import Engine
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
    yield make_cli(root, tmp_path)
    Engine(root).stop()


@pytest.fixture
def stage(deployed: Cli, target: Target) -> Iterator[Stage]:
    """The deployed stage at rest, its dead letters, failed and unfinished tasks gone before and after."""
    stage = Stage(target, deployed_stack(target))
    # What another test left to run, an interrupted experiment for one, may still fail.
    until(lambda: not stage.queue_depth().total, "nothing waits or is in flight")
    _clear(stage)
    yield stage
    _clear(stage)


def _clear(stage: Stage) -> None:
    stage.target.sqs.purge_queue(QueueUrl=stage.outputs.dead_letter_queue_url)
    # Tests of permissions leave tasks behind that no message will start.
    for task_id in (*(task.task_id for task in failures(stage)), *_unfinished(stage)):
        stage.target.dynamodb.delete_item(TableName=stage.outputs.table, Key={"taskId": {"S": task_id}})


def _unfinished(stage: Stage) -> list[str]:
    pages = stage.target.dynamodb.get_paginator("scan").paginate(TableName=stage.outputs.table)
    tasks = (item_to_task(item) for page in pages for item in page["Items"])
    return [task.task_id for task in tasks if not task.status.terminal]
