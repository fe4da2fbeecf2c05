"""`ftask package`: what it refuses."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.deploy.archive import MAX_UNZIPPED_BYTES
from ftask.home.state_folder import STATE_DIR_VARIABLE
from tests.support.projects import project_in

TASKS = "from ftask import task\n\n\n@task\ndef greet(): ...\n"
SETTINGS = '[tasks]\nmodule = "tasks"\ninclude = ["models/*.bin", "fonts/*.ttf"]\n'
MEGABYTE = 1024 * 1024


def test_code_that_is_too_large_for_lambda_is_refused_with_its_largest_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(STATE_DIR_VARIABLE, str(tmp_path / "state"))
    with project_in(tmp_path, TASKS, SETTINGS) as folder:
        for name, size in (("models/large.bin", MAX_UNZIPPED_BYTES), ("fonts/small.ttf", 3 * MEGABYTE)):
            (folder / name).parent.mkdir()
            with (folder / name).open("wb") as file:
                file.truncate(size)  # takes no room on the disk
        arguments = ["package", "--stage", "prod", "--region", "eu-central-1", "--to", str(tmp_path / "package")]
        done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    message, *lines = done.stderr.splitlines()
    assert "unzipped; AWS Lambda takes at most 250.0 MB. The largest packages:" in message
    assert [line.split() for line in lines[:2]] == [["250.0", "MB", "models"], ["3.0", "MB", "fonts"]]
    assert lines[-1].startswith("Remove what the tasks do not need from the requirements")
    assert not (tmp_path / "package").exists()
