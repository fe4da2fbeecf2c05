from __future__ import annotations

from pathlib import Path

from ftask.local.environment import engine_environment
from ftask.local.root_key import RootKey

KEY = RootKey("FTASKID", "secret")


def test_the_engine_inherits_nothing_of_the_callers_aws_configuration() -> None:
    caller = {"PATH": "/bin", "AWS_PROFILE": "prod", "FTASK_STAGE": "prod", "PYTHONPATH": "/x", "LAMBDA_EXECUTOR": "x"}
    environment = engine_environment(Path("/state"), 4566, "token", KEY, caller)
    assert environment["PATH"] == "/bin"
    assert not {"AWS_PROFILE", "FTASK_STAGE", "PYTHONPATH"} & environment.keys()
    assert environment["LAMBDA_EXECUTOR"] == "local"


def test_the_engine_inherits_what_is_listed_and_nothing_else() -> None:
    caller = {"HOME": "/home/ada", "HTTPS_PROXY": "http://proxy", "STRIPE_KEY": "secret", "VIRTUAL_ENV": "/venv"}
    environment = engine_environment(Path("/state"), 4566, "token", KEY, caller)
    assert (environment["HOME"], environment["HTTPS_PROXY"]) == ("/home/ada", "http://proxy")
    assert not {"STRIPE_KEY", "VIRTUAL_ENV"} & environment.keys()


def test_the_engine_enforces_policies_and_keeps_its_state_in_its_folder() -> None:
    environment = engine_environment(Path("/state"), 4566, "token", KEY, {})
    assert environment["AUTH"] == "true"
    assert (environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]) == ("FTASKID", "secret")
    assert environment["BIND_HOST"] == "127.0.0.1"
    assert all(environment[name].startswith("/state/") for name in ("STATE_DIR", "S3_DATA_DIR", "TMPDIR"))
