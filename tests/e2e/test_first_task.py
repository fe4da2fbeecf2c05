"""From an empty folder to the result of a task, as the README tells it; and the task type in every command after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ftask.local.engine import Engine
from tests.support.cli import Cli, make_cli
from tests.support.picture import Picture, lasting_of

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("first task")]

PICTURE = Path(__file__).parents[2] / ".github" / "terminal.svg"
STRICT = """\

from ftask import PermanentError


@task
def refuse(reason: str) -> None:
    raise PermanentError(reason)


@task
def programs() -> list[str]:
    import os, pathlib, subprocess, time

    for number in range(300):
        os.write(1, b'{"status": "error", "number": %d}\\n' % number)
    subprocess.run(["printf", "a byte \\\\377 of a program"], check=True)
    greeting = pathlib.Path(__file__).with_name("bin") / "greeting"
    return [subprocess.check_output([greeting], text=True), time.strftime("%Z"), os.environ.get("HTTP_PROXY")]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cli]:
    """The command line in a project that `ftask init` wrote, with one task more, deployed."""
    folder, state = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("state")
    cli = make_cli(state, folder)
    cli.environment["FTASK_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    assert cli("init", "hello").code == 0
    cli = replace(cli, folder=folder / "hello")
    tasks = cli.folder / "tasks.py"
    tasks.write_text(tasks.read_text() + STRICT)
    program = cli.folder / "bin" / "greeting"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\necho Hello\n")
    program.chmod(0o755)
    settings = cli.folder / "ftask.toml"
    text = settings.read_text().replace("[tasks]", '[tasks]\ninclude = ["bin/*"]', 1)
    settings.write_text(text.replace("[tasks.environment]", '[tasks.environment]\nTZ = "Asia/Tokyo"', 1))
    done = cli("deploy", "--yes")
    assert done.code == 0, done.err
    yield cli
    Engine(state).stop()


def test_the_picture_in_the_readme_shows_what_the_commands_show(project: Cli, pytestconfig: pytest.Config) -> None:
    terminal = Picture(project)
    terminal.run("submit", "greet", "name=Ada", "--wait")
    failed = terminal.run("submit", "--message", "ERROR", "--wait").split()[0]
    terminal.run("dlq", "ls", notes=True)
    terminal.run("get", failed)
    if pytestconfig.getoption("--redraw"):
        PICTURE.write_text(terminal.svg())
    assert lasting_of(PICTURE.read_text()) == terminal.lasting
    assert project("dlq", "discard", "--yes").code == 0


def test_a_task_runs_here_and_on_the_stage_with_the_same_result(project: Cli) -> None:
    here = project("run", "greet", "name=Ada")
    assert (here.code, here.json) == (0, {"text": "Hello, Ada!"})
    done = project("submit", "greet", "name=Ada", "greeting=Hi", "--wait", "-o", "json")
    assert done.code == 0
    assert (done.json["type"], done.json["status"], done.json["result"]) == ("greet", "COMPLETED", {"text": "Hi, Ada!"})
    assert project("get", done.json["taskId"], "-o", "json").json["result"] == {"text": "Hi, Ada!"}
    assert project("submit", "nap", "seconds:=0", "--wait").out.rstrip().endswith("COMPLETED  1 of 2  0")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nope"], "Unknown task type 'nope'. Types: greet, nap, refuse, programs, experiment."),
        (["greet"], "Task type greet: missing argument 'name'."),
        (["greet", "name=Ada", "x=1"], "Task type greet: unknown argument 'x'."),
        (["name=Ada"], "The task has no type, and no type is declared default=True."),
    ],
)
def test_a_task_that_does_not_fit_is_refused(project: Cli, arguments: list[str], says: str) -> None:
    done = project("submit", *arguments)
    assert done.code == 2
    assert says in done.err


def test_the_experiment_stays(project: Cli) -> None:
    assert project("submit", "-m", "SUCCESS", "--wait").code == 0


def test_the_lines_of_a_file_name_their_types(project: Cli) -> None:
    file = project.folder / "tasks.jsonl"
    lines = [{"type": "nap", "payload": {"seconds": 0}}, {"name": "Ada"}, {"type": "nope", "payload": {}}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "no\n")
    done = project("submit", "greet", "--file", str(file), "--wait", "-o", "json")
    assert done.code == 1
    assert sorted(task["type"] for task in done.json) == ["greet", "nap"]
    # One line was refused by the API, one before.
    assert "Accepted 2 of 4 tasks." in done.err
    assert "2 lines of" in done.err
    rejected = [json.loads(line)["text"] for line in Path(f"{file}.rejected").read_text().splitlines()]
    assert rejected[0] == "no"
    assert json.loads(rejected[1]) == lines[2]


def test_programs_that_a_task_starts_run_as_on_aws_and_print_to_the_log(project: Cli) -> None:
    behind_a_proxy = replace(project, environment=project.environment | {"HTTP_PROXY": "http://127.0.0.1:9"})
    done = behind_a_proxy("submit", "programs", "--wait", "-o", "json")
    assert done.code == 0, done.err
    assert (done.json["result"], done.json["attempts"]) == (["Hello\n", "JST", None], 1)
    # The log of the worker goes on after a byte that is not UTF-8.
    assert project("submit", "greet", "name=Ada", "--wait").code == 0
    logged = project("logs", "--function", "worker", "-o", "json").out
    assert '"number": 299' in logged
    assert "a byte \\ufffd of a program" in logged or "a byte \ufffd of a program" in logged


def test_the_stage_lists_its_types(project: Cli) -> None:
    shown = project("types", "--stage", "local", "-o", "json").json
    # The command line has pydantic, which gives schemas; the project has not asked for it.
    here = [
        {name: value for name, value in entry.items() if name != "schema"}
        for entry in project("types", "-o", "json").json
    ]
    assert shown == here
    assert [entry["name"] for entry in shown] == ["greet", "nap", "refuse", "programs", "experiment"]


def test_failed_tasks_are_selected_by_type_and_drained_letters_keep_theirs(project: Cli) -> None:
    assert project("submit", "refuse", "reason=no", "--wait").code == 3
    assert project("submit", "-m", "ERROR", "--wait").code == 3
    listed = {name: project("dlq", "ls", "--type", name, "-o", "json").json for name in ("refuse", "experiment")}
    assert {name: {task["type"] for task in tasks} for name, tasks in listed.items()} == {
        name: {name} for name in listed
    }
    assert {task["type"] for task in project("ls", "--type", "refuse", "-o", "json").json} == {"refuse"}
    task_id = listed["refuse"][0]["taskId"]
    # In the background, where a traceback may be shown.
    said, _ = project.start("dlq", "show", task_id).communicate(timeout=60)
    assert "raise PermanentError(reason)" in said
    logged = project("logs", "--type", "refuse", "--function", "api", "-o", "json").out.splitlines()
    assert [json.loads(line)["taskId"] for line in logged] == [task_id]
    redriven = project("dlq", "redrive", "--type", "refuse", "--yes", "--wait", "-o", "json")
    assert (redriven.json["redriven"], redriven.json["ended"]) == (1, {"FAILED": 1})
    assert project("dlq", "drain", "--to", "letters.jsonl", "--yes").code == 0
    again = project("submit", "--file", "letters.jsonl", "--wait", "-o", "json").json
    assert sorted(task["type"] for task in again) == ["experiment", "refuse"]
