"""`ftask run`: a task of the project, in this process."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.core.manifest import EXPERIMENT, Options, TaskType
from ftask.core.model import Status
from ftask.core.timestamps import now
from ftask.core.workload import SimulatedError
from ftask.tasks import trial
from ftask.tasks.declaration import Registry
from tests.support.projects import project_in
from tests.support.resources import template

TASKS = """\
import asyncio
import os

from ftask import PermanentError, RetryAfter, current, task

print("imported")


@task(max_attempts=3, backoff=(600, 900))
def add(a: int, b: int = 2) -> dict[str, object]:
    print("adding")
    if current().attempt < 3:
        raise ValueError(f"attempt {current().attempt} is too early")
    return {"sum": a + b, "greeting": os.environ["GREETING"]}


@task
def reject() -> None:
    raise PermanentError("never")


@task
def later() -> None:
    raise RetryAfter(0.5)


@task
def nothing() -> None: ...


@task
def result_is_not_json() -> object:
    return object()


@task
def quit_the_debugger() -> None:
    import bdb

    raise bdb.BdbQuit


@task(timeout=0.05)
async def slow() -> None:
    await asyncio.sleep(5)
"""

SETTINGS = '[tasks]\nmodule = "tasks"\n'

Run = Callable[..., Any]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GREETING", "")
    monkeypatch.delenv("GREETING")  # as it is now, also after the test
    with project_in(tmp_path, TASKS, '[tasks]\nmodule = "tasks"\n[tasks.environment]\nGREETING = "hello"\n') as project:
        yield project


@pytest.fixture
def run(folder: Path) -> Run:
    return lambda *arguments, stdin="": CliRunner().invoke(app, ["run", *arguments], input=stdin)


def test_attempts_are_shown_with_their_tracebacks_and_the_result_is_json(run: Run) -> None:
    done = run("add", "a:=1", "--no-wait")
    assert done.exit_code == 0
    assert json.loads(done.stdout) == {"sum": 3, "greeting": "hello"}
    assert "attempt 1 of 3  RETRYING  0.0 s  ValueError: attempt 1 is too early  next in 10 m 0 s\n" in done.stderr
    assert "attempt 2 of 3  RETRYING  0.0 s  ValueError: attempt 2 is too early  next in 15 m 0 s\n" in done.stderr
    assert "attempt 3 of 3  COMPLETED  0.0 s\n" in done.stderr
    assert 'tasks.py", line 13, in add\n' in done.stderr
    assert "ftask/" not in done.stderr
    assert done.stderr.count("adding\n") == 3


def test_json_is_the_task_as_ftask_get_shows_it(run: Run) -> None:
    task = json.loads(run("add", "a:=1", "--attempt", "3", "-o", "json").stdout)
    assert (task["type"], task["status"], task["attempts"], task["result"]["sum"]) == ("add", "COMPLETED", 3, 3)
    assert [attempt["attempt"] for attempt in task["history"]] == [3]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["reject"], 3, "attempt 1 of 2  FAILED  0.0 s  PermanentError: never"),
        (["later", "--no-wait"], 3, "attempt 1 of 2  RETRYING  0.0 s  RetryAfter: retry after 0.5 s  next in 0.5 s"),
        (["slow", "--max-attempts", "1"], 3, "s: its timeout is 0.05 s."),
        (["result_is_not_json"], 3, "InvalidResult: The result is not JSON: "),
        (["add", "a:=1", "--max-attempts", "1"], 3, "attempt 1 of 1  FAILED"),
        (["experiment", "message=ERROR", "--no-wait"], 3, "attempt 2 of 2  FAILED  0.0 s  SimulatedError"),
        (["experiment", "message=CRASH", "--no-wait"], 3, "SimulatedError: on a stage, the worker's process ends here"),
        (["add"], 2, "Error: Task type add: missing argument 'a'. Arguments: a, b (optional)."),
        (["nope"], 2, "Types: add, reject, later, nothing, result_is_not_json, quit_the_debugger, slow, experiment."),
        (["add", "x"], 2, "Error: Invalid argument 'x': expected key=value or key:=json."),
        (["add", "a=1", "--payload", "{}"], 2, "Error: Give either key=value arguments or --payload."),
        (["add", "--attempt", "3", "--max-attempts", "2"], 2, "Error: --attempt 3 is more than --max-attempts 2."),
        (["add", "--payload", "[]"], 2, "Error: The payload is an array, not an object."),
        (["quit_the_debugger"], 130, "Interrupted."),
    ],
)
def test_how_it_ends_otherwise(run: Run, arguments: list[str], code: int, says: str) -> None:
    done = run(*arguments)
    assert done.exit_code == code
    assert says in done.stderr
    assert done.stdout == ""


def test_a_payload_comes_from_the_option_a_file_or_stdin(run: Run, folder: Path) -> None:
    (folder / "payload.json").write_text('{"a": 1}')
    for payload, stdin in (('{"a": 1}', ""), ("@payload.json", ""), ("-", '{"a": 1}')):
        done = run("add", "--payload", payload, "--attempt", "3", stdin=stdin)
        assert json.loads(done.stdout)["sum"] == 3


def test_quiet_leaves_the_result_and_why_it_failed(run: Run) -> None:
    done = run("add", "a:=1", "--no-wait", "--quiet")
    assert "attempt" not in done.stderr
    done = run("add", "a:=1", "--max-attempts", "1", "--quiet")
    assert "attempt 1 of 1  FAILED" in done.stderr


def test_a_task_without_a_result_prints_null(run: Run) -> None:
    assert run("nothing").stdout == "null\n"


def test_the_environment_overrides_the_file(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREETING", "mine")
    assert json.loads(run("add", "a:=1", "--attempt", "3").stdout)["greeting"] == "mine"


def test_a_secret_that_is_not_set_is_named(run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = "".join(
        f'{name} = "arn:aws:ssm:us-east-1:123456789012:parameter/{name}"\n' for name in ("KEY_A", "KEY_B")
    )
    (folder / "ftask.toml").write_text(f"{SETTINGS}[tasks.secrets]\n{secrets}")
    monkeypatch.setenv("KEY_A", "mine")
    said = run("nothing").stderr
    assert "The secret KEY_B is not read here; set the environment variable KEY_B if the task needs it.\n" in said
    assert "KEY_A" not in said


def test_the_experiment_needs_no_project(run: Run, folder: Path) -> None:
    (folder / "ftask.toml").unlink()
    assert json.loads(run("experiment", "message=SUCCESS").stdout) == {"message": "done"}


@pytest.mark.parametrize(
    ("toml", "module", "says"),
    [
        (None, TASKS, "Error: No ftask.toml in this folder or above it.\nBegin a project with: ftask init\n"),
        ("[stages.dev]\n", TASKS, 'has no table [tasks].\nAdd these lines:\n[tasks]\nmodule = "tasks"\n'),
        (SETTINGS, None, "Error: The tasks module 'tasks' does not exist"),
        (SETTINGS, "x = 1\n", "Error: The module 'tasks' declares no tasks."),
        (SETTINGS, "def (:\n", "Error: Cannot import the tasks of 'tasks': SyntaxError: invalid syntax"),
        (SETTINGS, "import nothing_like_it\n", "No module named 'nothing_like_it'."),
        (SETTINGS, "1 / 0\n", 'tasks.py", line 1, in <module>\n    1 / 0\n'),
        ("[tasks]\nmodule = 'tasks'\nmodul = 'x'\n", TASKS, "line 3: tasks.modul: unknown setting."),
    ],
)
def test_a_project_that_does_not_load_is_one_error(
    run: Run, folder: Path, toml: str | None, module: str | None, says: str
) -> None:
    for name, text in (("ftask.toml", toml), ("tasks.py", module)):
        (folder / name).unlink() if text is None else (folder / name).write_text(text)
    done = run("add", "a:=1")
    assert done.exit_code == 1
    assert says in done.stderr
    assert sum(line.startswith("Error: ") for line in done.stderr.splitlines()) == 1
    assert done.stdout == ""


def test_a_retry_waits_for_its_backoff_as_the_queue_does() -> None:
    waited: list[float] = []
    clock = trial.SkippingClock(lambda: datetime(2026, 3, 1, tzinfo=UTC))

    def wait(seconds: float) -> None:
        waited.append(seconds)
        clock.skip(seconds)

    task_type = TaskType(EXPERIMENT.name, accepts_more=True, options=Options(backoff=(1.5, 900)))
    task = trial.new_task(task_type, {"message": "ERROR"}, clock(), attempt=1, max_attempts=3)
    ends = list(trial.run_to_end(task, task_type, Registry(), clock, wait, Random(1)))
    # SQS hides a message for whole seconds.
    assert waited == [2, 3]
    assert [end.task.status for end in ends] == [Status.RETRYING, Status.RETRYING, Status.FAILED]
    assert all(end.traceback is None for end in ends)
    assert ends[-1].task.last_error is not None
    assert ends[-1].task.last_error.type == SimulatedError.__name__


def test_a_first_attempt_of_a_higher_number_has_the_attempts_that_are_left() -> None:
    task = trial.new_task(EXPERIMENT, {}, now(), attempt=5, max_attempts=None)
    assert (task.attempts, task.max_attempts) == (4, 5)


def test_the_defaults_are_those_of_a_new_stack() -> None:
    parameters = template()["Parameters"]
    defaults = {name: float(parameters[name]["Default"]) for name in ("MaxAttempts", "ErrorRate", "WorkerTimeout")}
    assert defaults == {
        "MaxAttempts": trial.MAX_ATTEMPTS,
        "ErrorRate": trial.ERROR_RATE,
        "WorkerTimeout": trial.WORKER_TIMEOUT.total_seconds(),
    }


CONVERTING = """\
from datetime import date
from pathlib import Path

from ftask import task


@task(max_attempts=1)
def late(day: date, days: int = 1) -> str:
    return repr((day, days))


@task(max_attempts=1)
def read(name: str) -> str:
    return Path(name).read_text()
"""


@pytest.mark.parametrize(
    ("requirements", "result"),
    [("pydantic\n", "(datetime.date(2026, 1, 2), 1)"), ("rich\n", "('2026-01-02', 1)")],
)
def test_pydantic_converts_exactly_if_the_requirements_have_it(tmp_path: Path, requirements: str, result: str) -> None:
    (tmp_path / "requirements.txt").write_text(requirements)
    with project_in(tmp_path, CONVERTING, '[tasks]\nmodule = "tasks"\nrequirements = "requirements.txt"\n'):
        done = CliRunner().invoke(app, ["run", "late", "day=2026-01-02", "-o", "json"])
    assert json.loads(done.stdout)["result"] == result


def test_a_text_for_a_number_is_refused_with_what_to_write(tmp_path: Path) -> None:
    with project_in(tmp_path, CONVERTING):
        done = CliRunner().invoke(app, ["run", "late", "day=2026-01-02", "days=3"])
    assert done.exit_code == 2
    assert "'days' takes int, and '3' is a text" in done.stderr
    assert "For JSON, write: days:=3" in done.stderr


def test_a_task_reads_what_the_archive_has_and_nothing_else_of_the_project(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    for file in (folder / "packed.txt", folder / "left_out.txt", tmp_path / "elsewhere.txt"):
        file.write_text(file.stem)
    with project_in(folder, CONVERTING, '[tasks]\nmodule = "tasks"\ninclude = ["packed.txt"]\n'):
        results = {
            name: CliRunner().invoke(app, ["run", "read", f"name={name}"])
            for name in ("packed.txt", "left_out.txt", "../elsewhere.txt")
        }
    assert "packed" in results["packed.txt"].stdout
    assert "elsewhere" in results["../elsewhere.txt"].stdout
    assert results["left_out.txt"].exit_code == 3
    assert 'include = ["left_out.txt"]' in results["left_out.txt"].stderr


def test_a_module_that_the_archive_leaves_out_is_named_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").write_text("")
    text = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import for_types\n" + CONVERTING
    (tmp_path / "for_types.py").write_text("")
    with project_in(tmp_path, text + "\n\n@task\ndef lazy():\n    import helpers\n"):
        done = CliRunner().invoke(app, ["run", "late", "day=2026-01-02"])
    assert done.exit_code == 1
    assert "tasks.py imports 'helpers'" in done.stderr
    assert 'include = ["helpers.py"]' in done.stderr
