"""Where a setting comes from, and that `ftask config` shows what a command works with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ftask.aws.target import Target
from ftask.cli import app
from ftask.cli.options import Output
from ftask.core.errors import FtaskError
from ftask.core.local_stage import LOCAL_REGION
from tests.support.invocations import invocation

FILE = """\
[stages.prod]
profile = "main"
region = "eu-central-1"
endpoint_url = "https://file.example.org"

[stages.bare]

[stages.placed]
profile = "main"

[stages.lost]
profile = "nobody"
"""
# `main` has a region, `keys` has none.
PROFILES = """\
[default]
region = ap-south-1
[profile main]
region = eu-north-1
endpoint_url = https://profile.example.org
[profile keys]
output = json
"""
CREDENTIALS = """\
[main]
aws_access_key_id = of-main
aws_secret_access_key = secret
[keys]
aws_access_key_id = of-keys
aws_secret_access_key = secret
"""
KEYS = {"AWS_ACCESS_KEY_ID": "of-the-environment", "AWS_SECRET_ACCESS_KEY": "secret"}


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in (("ftask.toml", FILE), ("profiles", PROFILES), ("credentials", CREDENTIALS)):
        (tmp_path / name).write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "profiles"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


def shown(*arguments: str) -> dict[str, tuple[object, str]]:
    """What `ftask config` prints: value and source by name, the test's folder left out."""
    done = CliRunner().invoke(app, [*arguments, "-o", "json", "config"], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    folder = f"{Path.cwd()}/"
    return {row["name"]: (row["value"], row["source"].replace(folder, "")) for row in json.loads(done.stdout)}


def target(*arguments: str) -> Target:
    return invocation(*arguments).target


MAIN = "profile main (profiles)"
VARIABLES = {"AWS_REGION": "r-1", "AWS_DEFAULT_REGION": "d-1"}


@pytest.mark.parametrize(
    ("arguments", "variables", "region", "source"),
    [
        (["-s", "prod", "--region", "f-1"], VARIABLES, "f-1", "flag"),
        (["-s", "prod"], VARIABLES, "r-1", "environment (AWS_REGION)"),
        (["-s", "prod"], {"AWS_DEFAULT_REGION": "d-1"}, "d-1", "environment (AWS_DEFAULT_REGION)"),
        (["-s", "prod"], {"AWS_REGION": ""}, "eu-central-1", "ftask.toml"),
        (["-s", "prod"], {}, "eu-central-1", "ftask.toml"),
        (["-s", "placed"], {}, "eu-north-1", MAIN),
        (["-s", "placed"], {"AWS_REGION": "r-1"}, "r-1", "environment (AWS_REGION)"),
        (["-s", "bare", "--profile", "main"], {}, "eu-north-1", MAIN),
        (["-s", "bare"], {"AWS_PROFILE": "main"}, "eu-north-1", MAIN),
        (["-s", "bare"], {}, "ap-south-1", "profile default (profiles)"),
    ],
)
def test_a_region_comes_from_flag_environment_file_and_profile_in_this_order(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], variables: dict[str, str], region: str, source: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert shown(*arguments)["region"] == (region, source)
    assert target(*arguments).region_name == region


def test_without_a_region_the_command_says_how_to_give_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "keys")
    assert shown("-s", "bare")["region"] == (None, "default")
    with pytest.raises(FtaskError, match="No AWS region is configured"):
        _ = target("-s", "bare").region_name


@pytest.mark.parametrize(
    ("arguments", "variables", "profile", "credentials", "access_key"),
    [
        (["-s", "prod", "--profile", "keys"], KEYS, ("keys", "flag"), ("profile keys", "flag"), "of-keys"),
        (
            ["-s", "prod"],
            {"AWS_PROFILE": "keys"},
            ("keys", "environment (AWS_PROFILE)"),
            ("profile keys", "environment (AWS_PROFILE)"),
            "of-keys",
        ),
        (
            ["-s", "prod"],
            {"AWS_DEFAULT_PROFILE": "keys", "AWS_PROFILE": "main"},
            ("keys", "environment (AWS_DEFAULT_PROFILE)"),
            ("profile keys", "environment (AWS_DEFAULT_PROFILE)"),
            "of-keys",
        ),
        (
            ["-s", "prod"],
            {"AWS_PROFILE": "main"} | KEYS,
            ("main", "environment (AWS_PROFILE)"),
            ("access key", "environment (AWS_ACCESS_KEY_ID)"),
            "of-the-environment",
        ),
        (["-s", "prod"], {}, ("main", "ftask.toml"), ("profile main", "ftask.toml"), "of-main"),
        (
            ["-s", "prod"],
            KEYS,
            (None, "default"),
            ("access key", "environment (AWS_ACCESS_KEY_ID)"),
            "of-the-environment",
        ),
        # A pipeline has keys, and none of the profiles that the team's own machines have.
        (
            ["-s", "lost"],
            KEYS,
            (None, "default"),
            ("access key", "environment (AWS_ACCESS_KEY_ID)"),
            "of-the-environment",
        ),
        (["-s", "bare"], {}, (None, "default"), ("AWS's default chain", "default"), None),
    ],
)
def test_the_credentials_that_sign_are_those_that_config_shows(
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    variables: dict[str, str],
    profile: tuple[str | None, str],
    credentials: tuple[str, str],
    access_key: str | None,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    rows = shown(*arguments)
    assert (rows["profile"], rows["credentials"]) == (profile, credentials)
    if access_key is None:
        with pytest.raises(FtaskError, match="No AWS credentials"):
            target(*arguments).credentials()
    else:
        assert target(*arguments).credentials().access_key == access_key


@pytest.mark.parametrize(
    ("arguments", "variables", "url", "source"),
    [
        (["-s", "prod", "--endpoint-url", "https://flag.example.org"], {}, "https://flag.example.org", "flag"),
        (["-s", "prod"], {}, "https://file.example.org", "ftask.toml"),
        (
            ["-s", "prod"],
            {"AWS_ENDPOINT_URL": "https://variable.example.org"},
            "https://variable.example.org",
            "environment (AWS_ENDPOINT_URL)",
        ),
        (["-s", "placed"], {}, "https://profile.example.org", MAIN),
        (["-s", "bare"], {}, None, "default"),
    ],
)
def test_an_endpoint_comes_from_flag_environment_file_and_profile_in_this_order(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], variables: dict[str, str], url: str | None, source: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert shown(*arguments)["endpoint_url"] == (url, source)
    assert target(*arguments).endpoint_url == url


@pytest.mark.parametrize(
    ("before", "variables", "stage", "source"),
    [
        ([], {}, "local", "default"),
        ([], {"FTASK_STAGE": "bare"}, "bare", "environment (FTASK_STAGE)"),
        (["-s", "local"], {"FTASK_STAGE": "bare"}, "local", "flag"),
        (["-s", "bare"], {"FTASK_STAGE": "bare"}, "bare", "flag"),
    ],
)
def test_a_stage_comes_from_flag_environment_and_default_in_this_order(
    monkeypatch: pytest.MonkeyPatch, before: list[str], variables: dict[str, str], stage: str, source: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert shown(*before)["stage"] == (stage, source)


def test_a_flag_after_the_name_goes_before_one_ahead_of_it_and_both_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FTASK_STAGE", "bare")
    monkeypatch.setenv("FTASK_OUTPUT", "json")
    options = invocation("-s", "prod", "--region", "a-1", "-o", "table", after=("--region", "b-1")).options
    assert (options.stage.value, options.region.value, options.output.value) == ("prod", "b-1", Output.TABLE)
    assert invocation(after=("-s", "prod")).options.stage.value == "prod"
    assert not invocation().options.quiet.value
    assert invocation("-q").options.quiet.value
    assert invocation(after=("-q",)).options.quiet.value


@pytest.mark.parametrize(
    "variables",
    [{"AWS_PROFILE": "nobody"}, {"AWS_REGION": "r-1", "AWS_ENDPOINT_URL": "https://variable.example.org"}, KEYS],
)
def test_the_stage_local_uses_nothing_of_the_aws_configuration(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    rows = shown()
    assert rows["profile"] == (None, "local engine")
    assert rows["region"] == (LOCAL_REGION, "local engine")
    assert rows["endpoint_url"] == (None, "local engine")
    local = Target.local("http://127.0.0.1:4566", "of-the-engine", "secret")
    assert local.region_name == LOCAL_REGION
    assert local.credentials().access_key == "of-the-engine"
    assert local.sqs.meta.endpoint_url == "http://127.0.0.1:4566"


@pytest.mark.parametrize("flag", ["--profile", "--region"])
def test_a_flag_without_effect_on_the_stage_local_is_refused(flag: str) -> None:
    with pytest.raises(FtaskError, match=f"{flag} has no effect on the stage 'local'"):
        _ = invocation(flag, "x").settings


def test_a_profile_that_does_not_exist_is_reported_beside_an_endpoint_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    arguments = ("-s", "bare", "--region", "f-1", "--endpoint-url", "http://127.0.0.1:9")
    assert shown(*arguments)["credentials"] == ("profile nobody", "environment (AWS_PROFILE)")
    with pytest.raises(FtaskError, match=r"profile \(nobody\) could not be found"):
        target(*arguments).credentials()
