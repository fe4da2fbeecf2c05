"""`ftask open`: which page, and what it does where it cannot be shown."""

from __future__ import annotations

import json
import webbrowser
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.cli.invocation import Invocation

# Takes the words after `ftask open`; gives the result of the runner.
Open = Callable[..., Any]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that the browser was asked for; it starts unless the test says otherwise."""
    urls: list[str] = []

    def start(url: str) -> bool:
        urls.append(url)
        return True

    monkeypatch.setattr(webbrowser, "open", start)
    return urls


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, opened: list[str]) -> Open:
    outputs = SimpleNamespace(
        api_url="https://a.execute-api.eu-west-1.amazonaws.com/v1",
        worker_log_group="/aws/lambda/w",
        api_log_group="/aws/lambda/a",
        worker_function="w",
        table="t",
        queue_url="https://sqs.eu-west-1.amazonaws.com/1/q",
        dead_letter_queue_url="https://sqs.eu-west-1.amazonaws.com/1/d",
    )

    def invoke(*words: str, emulated: bool = False, MetricsDashboard: str = "false") -> Any:  # noqa: N803 - a parameter
        target = SimpleNamespace(
            stage_name="prod",
            default_stage="local",
            stack_name="ftask-prod",
            is_emulated=emulated,
            region_name="eu-west-1",
        )
        stack = SimpleNamespace(
            stack_id="arn:aws:cloudformation:eu-west-1:1:stack/ftask-prod/x",
            parameters={"MetricsDashboard": MetricsDashboard},
        )
        stage = SimpleNamespace(target=target, stack=stack, outputs=outputs)
        monkeypatch.setattr(Invocation, "target", target)
        monkeypatch.setattr(Invocation, "stage", stage)
        monkeypatch.setattr(Invocation, "api", SimpleNamespace(document=lambda: {"openapi": "3.1.0"}))
        return CliRunner().invoke(app, ["open", *words, "--stage", "prod"])

    return invoke


def test_the_stack_is_opened_unless_another_page_is_named(run: Open, opened: list[str]) -> None:
    assert run().exit_code == 0
    assert run("DLQ").exit_code == 0
    host, stack = "https://eu-west-1.console.aws.amazon.com", "arn:aws:cloudformation:eu-west-1:1:stack/ftask-prod/x"
    assert [unquote(url) for url in opened] == [
        f"{host}/cloudformation/home?region=eu-west-1#/stacks/stackinfo?stackId={stack}",
        f"{host}/sqs/v3/home?region=eu-west-1#/queues/https://sqs.eu-west-1.amazonaws.com/1/d",
    ]


def test_only_the_url_is_printed_where_that_is_asked_for(run: Open, opened: list[str]) -> None:
    done = run("table", "--print")
    assert done.stdout.startswith(
        "https://eu-west-1.console.aws.amazon.com/dynamodbv2/home?region=eu-west-1#table?name=t"
    )
    assert len(done.stdout.splitlines()) == 1
    assert run("api", "--print").stdout == "https://a.execute-api.eu-west-1.amazonaws.com/v1/openapi.json\n"
    assert opened == []


def test_without_a_browser_the_url_is_the_result(run: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda url: False)
    done = run("queue", "-o", "json")
    assert done.exit_code == 0
    assert json.loads(done.stdout)["opened"] is False
    assert "No browser can be started here" in run("queue").stderr


def test_the_document_of_the_api_is_opened_as_a_copy_of_the_users(
    run: Open, opened: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert run("api", emulated=True).exit_code == 0
    path = Path(unquote(urlsplit(opened[0]).path))
    assert json.loads(path.read_text()) == {"openapi": "3.1.0"}
    assert path.stat().st_mode & 0o777 == 0o600
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    assert "Name another folder with TMPDIR" in run("api").stderr


def test_an_emulator_has_no_console_and_something_to_look_at_instead(run: Open, opened: list[str]) -> None:
    done = run("dashboard", emulated=True)
    assert done.exit_code == 1
    assert "it runs on an emulator, which has no AWS console" in done.stderr
    assert "ftask open api --stage prod" in done.stderr
    assert opened == []


def test_a_stage_without_a_dashboard_says_how_to_get_one(run: Open) -> None:
    assert "ftask deploy --param MetricsDashboard=true --stage prod" in run("dashboard").stderr
    assert run("dashboard", MetricsDashboard="true").exit_code == 0


def test_an_unknown_page_is_a_wrong_call(run: Open) -> None:
    done = run("topic")
    assert done.exit_code == 2
    assert "expected stack, queue, dlq" in done.stderr
