"""`ftask.toml`: found, understood, and told where it is wrong."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ftask.cli.config_file import load_config
from ftask.core.errors import FtaskError
from tests.support.ownership import NOBODY, give_to_another_user

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
TASKS = """\
[tasks]
module = "tasks"
include = ["templates/*.html"]
policy = "policy.json"

[tasks.environment]
LOG_LEVEL = "INFO"
REGION = "eu"

[stages.prod.tasks.environment]
LOG_LEVEL = "WARNING"
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


@pytest.mark.parametrize(
    ("old", "new", "line", "key", "settings"),
    [
        ('module = "tasks"', 'modul = "tasks"', 1, "tasks.module", "[tasks]: module, include"),
        ('module = "tasks"', "module = 3", 2, "tasks.module", "[tasks]: module, include"),
        ('include = ["templates/*.html"]', "include = [7]", 3, "tasks.include.0", "[tasks]: module, include"),
        ('REGION = "eu"', "REGION = 1", 8, "tasks.environment.REGION", "[tasks]: module, include"),
        ('policy = "policy.json"', 'secret = "a"', 4, "tasks.secret", "[tasks]: module, include"),
        (
            "[stages.prod.tasks.environment]",
            "[stages.prod.tasks.variables]",
            10,
            "stages.prod.tasks.variables",
            "[stages.prod.tasks]: policy, environment, secrets",
        ),
        (
            "[tasks",
            "# [tasks",
            10,
            "stages.prod.tasks.environment",
            "[stages.prod.tasks]: policy, environment, secrets",
        ),
    ],
)
def test_a_wrong_setting_of_tasks_is_reported_with_its_line_and_key(
    folder: Path, old: str, new: str, line: int, key: str, settings: str
) -> None:
    text = TASKS.replace(old, new)
    if old == "[tasks":
        text = "\n".join(row if "stages" in row or "WARN" in row else "" for row in TASKS.splitlines())
    (folder / "ftask.toml").write_text(text)
    with pytest.raises(FtaskError, match=rf"ftask\.toml, line {line}: {key}: ") as refused:
        load_config()
    assert refused.value.hint is not None
    assert refused.value.hint.startswith(f"Settings of {settings}")


def test_a_stage_adds_and_replaces_variables_of_the_tasks(folder: Path) -> None:
    (folder / "ftask.toml").write_text(TASKS)
    (folder / "tasks.py").touch()
    (folder / "policy.json").touch()
    (folder / "templates").mkdir()
    (folder / "templates" / "letter.html").touch()
    project = load_config().project("prod")
    assert project is not None
    assert project.environment == {"LOG_LEVEL": "WARNING", "REGION": "eu"}
    assert (project.root, project.policy) == (folder, folder / "policy.json")
    local = load_config().project("local")
    assert local is not None
    assert local.environment == {"LOG_LEVEL": "INFO", "REGION": "eu"}


def test_a_stage_may_have_a_policy_of_its_own(folder: Path) -> None:
    (folder / "ftask.toml").write_text(TASKS + '[stages.dev.tasks]\npolicy = "dev.json"\n')
    dev, prod = load_config().stage_tasks("dev"), load_config().stage_tasks("prod")
    assert dev is not None
    assert prod is not None
    assert (dev.policy, prod.policy) == ("dev.json", "policy.json")


def test_without_the_table_there_are_no_own_tasks(folder: Path) -> None:
    (folder / "ftask.toml").write_text(TEXT)
    assert load_config().project("prod") is None


@pytest.mark.parametrize(("text", "says"), [("x = \ny = 1", "Invalid TOML in .*line 1"), (None, "Cannot read")])
def test_a_file_that_cannot_be_read_is_told(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str | None, says: str
) -> None:
    monkeypatch.setenv("FTASK_CONFIG", str(folder / "other.toml"))
    if text is not None:
        (folder / "other.toml").write_text(text)
    with pytest.raises(FtaskError, match=says):
        load_config()


def test_a_byte_order_mark_is_no_part_of_the_file_and_utf_16_is_refused(folder: Path) -> None:
    (folder / "ftask.toml").write_text('[stages.prod]\nregion = "eu-west-1"\n', encoding="utf-8-sig")
    assert load_config().stage("prod").region == "eu-west-1"
    (folder / "ftask.toml").write_text("[stages.prod]\n", encoding="utf-16")
    with pytest.raises(FtaskError, match="it is not UTF-8"):
        load_config()


def test_the_file_of_another_user_is_refused_unless_it_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "ftask.toml"
    file.write_text(TEXT)
    give_to_another_user(file, monkeypatch)
    below = folder / "below"
    below.mkdir()
    monkeypatch.chdir(below)
    with pytest.raises(FtaskError, match=r"ftask\.toml belongs to another user") as refused:
        load_config()
    assert refused.value.hint == f"If you trust it, say so: export FTASK_CONFIG={file}"
    monkeypatch.setenv("FTASK_CONFIG", str(file))
    assert load_config().path == file


def test_a_link_of_another_user_to_the_users_own_file_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder / "own.toml"
    own.write_text(TEXT)
    (folder / "ftask.toml").symlink_to(own)
    assert load_config().stages
    give_to_another_user(folder / "ftask.toml", monkeypatch)
    with pytest.raises(FtaskError, match="belongs to another user"):
        load_config()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs for somebody else")
def test_with_sudo_the_file_of_the_user_who_calls_is_fine(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "ftask.toml").write_text(TEXT)
    give_to_another_user(folder / "ftask.toml", monkeypatch)
    monkeypatch.setenv("SUDO_UID", str(NOBODY))
    assert load_config().stages


def test_a_project_has_a_stage_of_its_own_on_this_machine(folder: Path) -> None:
    (folder / "ftask.toml").write_text('stage = "local-shop"\n' + TEXT)
    assert load_config().default_stage == "local-shop"
    (folder / "ftask.toml").write_text('stage = "prod"\n' + TEXT)
    with pytest.raises(FtaskError, match="line 1: stage: it must be on this machine"):
        load_config()


def test_local_stages_read_the_secrets_of_this_machine_and_others_do_not(folder: Path) -> None:
    arn = "arn:aws:ssm:eu-central-1:123456789012:parameter/key"
    (folder / "ftask.toml").write_text(
        f'[tasks]\nmodule = "tasks"\n[tasks.secrets]\nKEY = "{arn}"\n[local.secrets]\nKEY = "value"\n'
    )
    config = load_config()
    secrets = {name: getattr(config.stage_tasks(name), "secrets", None) for name in ("prod", "local-shop", "localhost")}
    here = "arn:aws:ssm:us-east-1:000000000000:parameter/ftask/local-shop/KEY"
    assert secrets == {"prod": {"KEY": arn}, "local-shop": {"KEY": here}, "localhost": {"KEY": arn}}
