"""`ftask.toml`: found, understood, and told where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from ftask.cli.config_file import load_config
from ftask.core.errors import FtaskError

TEXT = """\
[stages.prod]
profile = "main"
region = "eu-central-1"
protected = true

[stages.prod.parameters]
MaxAttempts = 3
ErrorRate = 0.5
BackoffJitter = true

[stages.prod.tags]
team = "payments"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_file_nothing_is_settled(folder: Path) -> None:
    config = load_config()
    assert config.path is None
    assert config.stage("prod").overrides() == {}


def test_the_nearest_file_upwards_counts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "ftask.toml").write_text(TEXT)
    below = folder / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    stage = load_config().stage("prod")
    assert stage.overrides() == {
        "DeletionProtection": "true",
        "MaxAttempts": "3",
        "ErrorRate": "0.5",
        "BackoffJitter": "true",
    }
    assert stage.tags == {"team": "payments"}
    assert load_config().stage("dev").profile is None


@pytest.mark.parametrize(
    ("old", "new", "line", "key"),
    [
        ('profile = "main"', 'profle = "main"', 2, "stages.prod.profle"),
        ("protected = true", "protected = 3", 4, "stages.prod.protected"),
        ("ErrorRate = 0.5", "ErrorRate = [0.5]", 8, "stages.prod.parameters.ErrorRate"),
        ('team = "payments"', "team = 7", 12, "stages.prod.tags.team"),
        ("[stages.prod]", "[stage.prod]", 1, "stage"),
        ("[stages.prod.tags]", "[stages.prod.labels]", 11, "stages.prod.labels"),
    ],
)
def test_what_makes_no_sense_is_told_with_its_line_and_key(
    folder: Path, old: str, new: str, line: int, key: str
) -> None:
    text = TEXT.replace(old, new)
    if new == "[stage.prod]":
        text = text.replace("stages.", "stage.")
    (folder / "ftask.toml").write_text(text)
    with pytest.raises(FtaskError, match=rf"ftask\.toml, line {line}: {key}: "):
        load_config()


@pytest.mark.parametrize(("text", "says"), [("x = \ny = 1", "Invalid TOML in .*line 1"), (None, "Cannot read")])
def test_a_file_that_cannot_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, says: str
) -> None:
    monkeypatch.setenv("FTASK_CONFIG", str(folder / "other.toml"))
    if text is not None:
        (folder / "other.toml").write_text(text)
    with pytest.raises(FtaskError, match=says):
        load_config()
