"""The local engine of a test, as its root."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import boto3

from ftask.aws.target import Target
from ftask.home.state_folder import STATE_DIR_VARIABLE
from ftask.local.engine import Engine
from ftask.local.record import PORT_VARIABLE, RunningEngine, any_free_port
from tests.support.cli import Cli


@contextmanager
def engine_of_its_own() -> Iterator[Engine]:
    """An engine for a measurement, on a free port; nothing of it stays."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ[PORT_VARIABLE] = str(any_free_port())
        engine = Engine(Path(folder))
        engine.ensure()
        try:
            yield engine
        finally:
            engine.stop()


def running(engine: Engine | Cli) -> RunningEngine:
    """The record of an engine that runs, or of the one that a command line uses."""
    if isinstance(engine, Cli):
        engine = Engine(Path(engine.environment[STATE_DIR_VARIABLE]))
    found = engine.running()
    assert found is not None
    return found


def local_target(engine: Engine | Cli) -> Target:
    """The target of the stage `local`."""
    found = running(engine)
    return Target.local(found.endpoint_url, found.root_key.access_key_id, found.root_key.secret_access_key)


def boto_session(target: Target) -> boto3.Session:
    """A session of boto3 with the target's keys, for services that ftask itself has no client of."""
    return boto3.Session(target.access_key, target.secret_key, region_name=target.region_name)
