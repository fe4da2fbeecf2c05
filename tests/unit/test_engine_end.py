"""Whether the engine that a command works with has ended: its process tells, not how fast it answers."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ftask.local.engine import Engine
from ftask.local.record import RecordFile, RootKey, RunningEngine


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """A process that was started with the token "ours", as an engine is, and never answers."""
    command = [sys.executable, "-c", "input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, env=os.environ | {"TOKEN": "ours"}) as process:
        yield process
        process.kill()


def recorded(root: Path, process: subprocess.Popen[bytes], of: str = "ours") -> RunningEngine:
    engine = RunningEngine(process.pid, 4566, of, "1", 0.0, RootKey("a", "b"))
    RecordFile(root / "engine.json").write(engine)
    return engine


def test_one_that_is_too_busy_to_answer_has_not_ended(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    engine = recorded(tmp_path, process)
    assert not Engine(tmp_path).has_ended(engine)
    assert not Engine(tmp_path).crashed()


def test_one_that_was_killed_has_ended(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    engine = recorded(tmp_path, process)
    process.kill()
    process.wait()
    assert Engine(tmp_path).has_ended(engine)
    assert Engine(tmp_path).crashed()


def test_one_whose_process_id_another_program_got_has_ended(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    engine = recorded(tmp_path, process, of="the engine before")
    assert Engine(tmp_path).has_ended(engine) == Path("/proc").exists()


def test_one_that_another_engine_has_followed_has_ended(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    engine = recorded(tmp_path, process)
    recorded(tmp_path, process, of="the next engine")
    assert Engine(tmp_path).has_ended(engine)
