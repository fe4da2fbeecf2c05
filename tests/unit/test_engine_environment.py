from __future__ import annotations

from pathlib import Path

import pytest

from ftask.local.environment import engine_environment
from ftask.local.record import RootKey

KEY = RootKey("FTASKID", "secret")


def test_the_engine_inherits_nothing_of_the_callers_aws_configuration() -> None:
    caller = {"PATH": "/bin", "AWS_PROFILE": "prod", "FTASK_STAGE": "prod", "PYTHONPATH": "/x", "LAMBDA_EXECUTOR": "x"}
    environment = engine_environment(Path("/state"), 4566, "token", KEY, caller)
    assert environment["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "FTASK_STAGE", "PYTHONPATH"} & environment.keys()
    assert environment["LAMBDA_EXECUTOR"] == "local"


def test_the_engine_inherits_what_is_listed_and_nothing_else() -> None:
    caller = {"HOME": "/home/ada", "STRIPE_KEY": "secret", "VIRTUAL_ENV": "/venv"}
    environment = engine_environment(Path("/state"), 4566, "token", KEY, caller)
    assert environment["HOME"] == "/home/ada"
    assert not {"STRIPE_KEY", "VIRTUAL_ENV"} & environment.keys()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"])
def test_no_proxy_of_the_caller_is_between_a_function_and_the_engine(name: str) -> None:
    environment = engine_environment(Path("/state"), 4566, "token", KEY, {name: "http://me:secret@proxy:3128"})
    assert name not in environment
    # Nor one that a task's own environment names.
    assert environment["no_proxy"] == environment["NO_PROXY"] == "127.0.0.1,localhost"


def test_functions_run_in_utc_without_the_files_of_the_aws_cli() -> None:
    caller = {"TZ": "Europe/Kyiv", "AWS_CONFIG_FILE": "/home/ada/broken"}
    environment = engine_environment(Path("/state"), 4566, "token", KEY, caller)
    assert environment["TZ"] == ":UTC"
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"


def test_the_engine_enforces_policies_and_keeps_its_state_in_its_folder() -> None:
    environment = engine_environment(Path("/state"), 4566, "token", KEY, {})
    assert environment["AUTH"] == "true"
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) == ("FTASKID", "secret")
    assert environment["BIND_HOST"] == "127.0.0.1"
    assert all(environment[name].startswith("/state/") for name in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR"))
