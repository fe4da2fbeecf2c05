"""`ftask types`: the types of the project, or of a stage."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.cli.invocation import Invocation
from tests.support.fake_http import Reply, fake_client
from tests.support.projects import project_in

TASKS = '''\
from datetime import date

from ftask import task

print("imported")


@task(max_attempts=5, backoff=(2, 300), jitter=False)
def send(order_id: int, tags: list[str] = ["a"], on: date = date(2026, 1, 1)) -> None:
    """Send an order.

    More.
    """


@task(timeout=20, default=True, isolated=True)
async def tick(**more: object) -> None: ...
'''


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    with project_in(tmp_path, TASKS) as folder:
        yield folder


def types(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["types", *arguments])


def test_the_types_of_the_project(project: Path) -> None:
    done = types("-o", "json")
    assert done.exit_code == 0
    send, tick, experiment = json.loads(done.stdout)
    assert (send["name"], send["doc"]) == ("send", "Send an order.")
    assert send["arguments"][1] == {"name": "tags", "required": False, "annotation": "list[str]", "default": ["a"]}
    assert send["options"] == {"maxAttempts": 5, "backoffSeconds": [2, 300], "jitter": False}
    assert (tick["default"], tick["acceptsMore"]) == (True, True)
    assert experiment["name"] == "experiment"


def test_a_row_per_type(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    send, tick, _ = (row.split("\t") for row in types().stdout.splitlines())
    assert send == [
        "send",
        'order_id: int, tags: list[str] = ["a"], on: datetime.date = …',
        "5 attempts, backoff 2 to 300 s, no jitter",
        "Send an order.",
    ]
    assert tick == ["tick", "…", "default, timeout 20 s, isolated", ""]


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Makes the API of a stage answer with this document."""

    def answer(document: Any) -> None:
        client, _, _ = fake_client(lambda path, _: Reply(200, document) if path == "/openapi.json" else None)
        monkeypatch.setattr(Invocation, "api", client)

    return answer


def test_with_a_stage_its_types_are_shown(stage: Any) -> None:
    entry = {"name": "tick", "doc": "", "arguments": [], "acceptsMore": False, "options": {}, "default": True}
    stage({"openapi": "3.1.0", "x-ftask-types": [entry]})
    assert json.loads(types("--stage", "prod", "-o", "json").stdout) == [entry]


def test_a_stage_of_an_earlier_version_has_no_list(stage: Any) -> None:
    stage({"openapi": "3.1.0"})
    done = types("--stage", "prod")
    assert done.exit_code == 1
    assert done.stderr == (
        "Error: Stage prod does not list its task types: an earlier version of ftask deployed it.\n"
        "Deploy it again: ftask deploy --stage prod\n"
    )
