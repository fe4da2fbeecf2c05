"""What Ctrl-C says about the tasks that go on."""

from __future__ import annotations

import shlex
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ftask.cli.following import MAX_IDS_IN_COMMAND, how_to_follow
from ftask.cli.piped_ids import parse_ids
from ftask.render.texts import shorten

MANY = [f"{number:032x}" for number in range(MAX_IDS_IN_COMMAND + 1)]


@pytest.fixture
def run() -> Any:
    return SimpleNamespace(target=SimpleNamespace(stage_name="prod", default_stage="local"), shown_ids=shorten)


def test_a_few_tasks_are_named_in_the_command_that_follows_them(run: Any) -> None:
    text = how_to_follow(run, ["a" * 32, "b" * 32])
    assert text == "The tasks go on. Follow them with: ftask watch aaaaaaaa bbbbbbbb --stage prod"


def test_one_task_is_no_plural(run: Any) -> None:
    assert how_to_follow(run, ["a" * 32]) == "The task goes on. Follow it with: ftask watch aaaaaaaa --stage prod"
    assert how_to_follow(run, []) == ""


def test_many_tasks_are_in_a_file_that_only_the_user_can_read(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    text = how_to_follow(run, iter(MANY))
    (path,) = tmp_path.iterdir()
    assert text == f"The tasks go on. Their ids are in {path}. Follow them with: ftask watch --stage prod < {path}"
    assert path.stat().st_mode & 0o777 == 0o600
    assert parse_ids(path.read_text()) == MANY


def test_where_no_file_can_be_written_the_list_of_tasks_is_named(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert "See them with: ftask ls --stage prod" in how_to_follow(run, iter(MANY))


def test_many_tasks_of_a_file_are_in_its_record_whose_name_the_shell_takes_whole(run: Any) -> None:
    text = how_to_follow(run, iter(MANY), Path("my tasks.jsonl.prod.accepted"))
    assert shlex.split(text)[-1] == "my tasks.jsonl.prod.accepted"
