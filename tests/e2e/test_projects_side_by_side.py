"""Several projects on one machine: none loses its tasks to another, or to a deployment from elsewhere, unasked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.engines import local_target

pytestmark = pytest.mark.engine

TASKS = """\
import os
from ftask import task

@task
def greet(name: str):
    return f"{name} {os.environ.get('KEY')}"

@task
def wait(): ...
"""
SETTINGS = """\
[tasks]
module = "tasks"
[tasks.secrets]
KEY = "arn:aws:ssm:eu-central-1:123456789012:parameter/key"
"""


def a_project(cli: Cli, name: str, tasks: str = TASKS, settings: str = '[tasks]\nmodule = "tasks"\n') -> Cli:
    folder = cli.folder / name
    folder.mkdir()
    (folder / "ftask.toml").write_text(settings)
    (folder / "tasks.py").write_text(tasks)
    return replace(cli, folder=folder)


def names(cli: Cli, stage: str) -> list[str]:
    return [entry["name"] for entry in cli("types", "--stage", stage, "-o", "json").json]


def test_no_deployment_replaces_a_projects_tasks_unasked(own_engine: Cli) -> None:
    shop = a_project(own_engine, "shop", settings=SETTINGS)
    refused = shop("deploy", "--yes")
    assert refused.code == 1
    assert "[local.secrets]\nKEY = " in refused.err
    with (shop.folder / "ftask.toml").open("a") as file:
        file.write('[local]\nbuckets = ["invoices"]\n[local.secrets]\nKEY = "of this machine"\n')
    assert shop("deploy", "--yes").code == 0
    assert shop("submit", "greet", "name=Ada", "--wait", "-o", "json").json["result"] == "Ada of this machine"
    assert [bucket["Name"] for bucket in local_target(shop).s3.list_buckets()["Buckets"]].count("invoices") == 1

    elsewhere = own_engine("deploy", "--yes", "--param", "MaxAttempts=3")
    assert "its code and its template stay" in elsewhere.err
    assert elsewhere.code == 0
    assert names(shop, "local") == ["greet", "wait", "experiment"]
    assert shop("submit", "greet", "name=Ada", "--wait", "-o", "json").json["maxAttempts"] == 3

    assert shop("pause").code == 0
    assert shop("submit", "wait", "-n", "3").code == 0
    other = a_project(
        own_engine, "other", "from ftask import task\n\n@task\ndef greet(): ...\n\n@task\ndef new(): ...\n"
    )
    plan = other("deploy", "--dry-run", "-o", "json").json["taskTypes"]
    assert plan == {
        "added": ["new"],
        "removed": [{"name": "wait", "unfinished": 3, "all": True}],
        "changed": ["greet"],
    }
    for command in ("deploy", "dev"):
        unasked = other(command)
        assert unasked.code == 1
        assert f"has the tasks of another project, {shop.folder}" in unasked.err
        assert 'stage = "local-other"' in unasked.err
    assert names(shop, "local") == ["greet", "wait", "experiment"]

    settings = other.folder / "ftask.toml"
    settings.write_text(f'stage = "local-other"\n{settings.read_text()}')
    assert other("deploy", "--yes").code == 0
    assert other("submit", "new", "--wait").code == 0
    assert names(other, "local-other") == ["greet", "new", "experiment"]
    assert names(shop, "local") == ["greet", "wait", "experiment"]
    assert other("remove", "--yes").code == 0
    assert other("info").code == 1
    assert shop("info").code == 0


def test_secrets_and_buckets_of_this_machine_exist_after_a_reset(own_engine: Cli) -> None:
    settings = '[tasks]\nmodule = "tasks"\n[local]\nbuckets = ["invoices"]\n[local.secrets]\nKEY = "one"\n'
    shop = a_project(own_engine, "shop", settings=settings)
    assert shop("deploy", "--yes").code == 0
    assert own_engine("local", "reset", "--yes").code == 0
    assert shop("deploy", "--yes").code == 0
    assert "invoices" in [bucket["Name"] for bucket in local_target(shop).s3.list_buckets()["Buckets"]]
    assert shop("submit", "greet", "name=Ada", "--wait", "-o", "json").json["result"] == "Ada one"
    assert "one" not in shop("config").out
    assert Path(shop.environment["FTASK_STATE_DIR"], "projects.json").stat().st_mode & 0o077 == 0
