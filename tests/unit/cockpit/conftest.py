"""A cockpit on a stage of moto's table and queues."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ftask.aws.stage import Stage
from ftask.cockpit.app import Cockpit
from ftask.cockpit.operations import Ending, Operations
from ftask.core.model import Failure
from tests.support.cockpits import Driver, Play, Sampler, Story
from tests.support.resources import Resources
from tests.support.stages import put_failures, stage_of


@pytest.fixture
def stage(moto_resources: Resources) -> Stage:
    """Three failed tasks of one kind, one of another."""
    stage = stage_of(moto_resources)
    put_failures(stage, 3, Failure("ValueError", "no order 7"))
    put_failures(stage, 1, Failure("KeyError", "[bold]x[/bold] \x1b[2J"))
    return stage


@pytest.fixture
def play(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs a story on a cockpit; returns how the cockpit ended."""
    monkeypatch.setenv("FTASK_CACHE_DIR", str(tmp_path))

    def play(story: Story, size: tuple[int, int] = (100, 30), **options: Any) -> Ending | None:
        sampler = options.pop("sampler", None) or Sampler()
        operations = options.pop("operations", Operations)(stage, sampler.snapshot)
        cockpit = Cockpit(operations, "prod", **{"interval_seconds": 0.1} | options)

        async def run() -> None:
            async with cockpit.run_test(size=size) as pilot:
                await story(Driver(pilot, sampler))

        asyncio.run(run())
        return cockpit.return_value

    return play
