"""The worker function with and without tasks of the user's own, from its archive, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.support.worker_code import ENVIRONMENT, unpack_worker

TASKS = """
    import logging, os
    from ftask import task

    GREETING = os.environ["GREETING"]

    @task(backoff=(1, 60))
    def greet(name):
        print("greeting", name)
        logging.warning("hello")
        return f"{GREETING}, {name}"

    @task
    async def wave(): ...

    @task(isolated=True)
    def alone(how):
        print("alone", GREETING)
        if how == "crash":
            os._exit(3)
        if how == "fail":
            raise ValueError("no")
        return os.getppid()

    @task(isolated=True, timeout=0.5)
    def hang():
        while True: ...
"""
START = """
    import json, sys
    from types import SimpleNamespace
    from ftask.core.ports import Job
    from ftask.core.timestamps import now
    from ftask.handlers import worker

    def job(type, payload):
        return Job("f" * 32, type, 0, 1, 2, payload, now())

    def check():
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 20_000)
        return json.dumps(worker.handler({"ftask": "check"}, context))
"""


def run(folder: Path, code: str, tasks: str | None = None, environment: str = '{"GREETING": "Hello"}') -> list[str]:
    """Return the lines that `code` prints where the worker of these tasks was unpacked."""
    code_folder = unpack_worker(folder, tasks, environment)
    done = subprocess.run(
        [sys.executable, "-c", dedent(START) + dedent(code)],
        cwd=code_folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("tasks", "says"),
    [
        ("import nonsense", ["No module named 'nonsense'", 'tasks.py", line 1', "to the requirements"]),
        ("def f(:", ["SyntaxError"]),
        ("x = 1", ["The module 'tasks' declares no tasks."]),
        ("raise SystemExit(3)", ["SystemExit: 3", 'tasks.py", line 1']),
    ],
)
def test_the_check_says_why_a_module_cannot_be_imported(tmp_path: Path, tasks: str, says: list[str]) -> None:
    event, answer = run(tmp_path, "print(check())", tasks)
    answered: dict[str, Any] = json.loads(answer)
    logged: dict[str, Any] = json.loads(event)
    assert (logged["level"], logged["event"]) == ("ERROR", "initialisationFailed")
    assert (answered["types"], list(answered["failures"])) == ([], ["tasks"])
    for text in says:
        assert text in answered["failures"]["tasks"]
        assert text in logged["traceback"]


def test_a_job_runs_the_task_of_its_type_and_its_output_carries_its_id(tmp_path: Path) -> None:
    code = """
        made = worker.worker()
        print(made.executor.handler(job("greet", {"name": "Ada"})))
        print(made.executor.handler(job("experiment", {"message": "SUCCESS"})))
        print(made.executor.policies["greet"].cap_seconds, made.executor.policies["wave"].cap_seconds)
        try:
            made.executor.handler(job("removed", {}))
        except Exception as error:
            print(type(error).__name__)
    """
    *logged, result, experiment, caps, unknown = run(tmp_path, code, TASKS)
    assert (result, experiment) == ("Hello, Ada", "{'message': 'done'}")
    assert (caps, unknown) == ("60 900.0", "UnknownTaskType")
    lines = [json.loads(line) for line in logged]
    assert [line["message"] for line in lines] == ["greeting Ada", "hello"]
    assert {(line["event"], line["taskId"], line["type"]) for line in lines} == {("log", "f" * 32, "greet")}


def test_an_isolated_task_runs_in_a_child_that_has_what_the_worker_has(tmp_path: Path) -> None:
    code = """
        import os
        from datetime import timedelta
        made = worker.worker()

        def isolated(name, payload):
            deadline = now() + timedelta(seconds=60)
            with made.executor.isolation.child(deadline) as handle:
                try:
                    return handle(Job("f" * 32, name, 0, 1, 2, payload, deadline))
                except Exception as error:
                    return f"{getattr(error, 'error_type', type(error).__name__)}: {error}"

        print(sorted(made.executor.isolated_types))
        print(isolated("alone", {"how": "well"}) == os.getpid())
        for name, payload in (("alone", {"how": "crash"}), ("alone", {"how": "fail"}), ("alone", {}), ("hang", {})):
            print(isolated(name, payload))
        print(isolated("experiment", {"message": "CRASH"}))
    """
    lines = run(tmp_path, code, TASKS)
    logged = [json.loads(line) for line in lines if line.startswith("{")]
    types, result, *failures = [line for line in lines if not line.startswith("{")]
    assert (types, result) == ("['alone', 'hang']", "True")
    assert failures[0] == "WorkerLost: The process of the attempt ended with exit code 3."
    assert failures[1] == "ValueError: no"
    assert failures[2].startswith("InvalidPayload: Task type alone: missing argument 'how'.")
    assert failures[3].startswith("TimedOut: The attempt was killed after 0.5 s: its timeout is 0.5 s.")
    assert failures[4] == "WorkerLost: The process of the attempt ended with exit code 70."
    assert {(line["taskId"], line["type"]) for line in logged} == {("f" * 32, "alone")}
    assert [line["message"] for line in logged if line["event"] == "log"] == ["alone Hello"] * 3
    (failed,) = (line for line in logged if line["event"] == "attemptFailed")
    assert failed["errorType"] == "ValueError"
    assert "in alone" in failed["traceback"]


def test_a_module_that_cannot_be_imported_fails_each_invocation_before_any_attempt(tmp_path: Path) -> None:
    """Raised, so that the poller backs off; and once it can be imported, output is captured once."""
    code = """
        from types import SimpleNamespace
        from pathlib import Path
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 20_000)
        records = {"Records": [{"messageId": "m", "receiptHandle": "r", "body": "{}"}]}
        for _ in range(2):
            try:
                worker.handler(records, context)
            except Exception as error:
                print(type(error).__name__)
        Path("broken").unlink()
        worker.worker().executor.handler(job("greet", {"name": "Ada"}))
    """
    broken = "import pathlib\nif pathlib.Path('broken').exists(): raise OSError(5)\n" + dedent(TASKS)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "broken").touch()
    event, first, again, second, *logged = run(tmp_path, code, broken)
    assert [json.loads(line)["event"] for line in (event, again)] == ["initialisationFailed"] * 2
    assert first == second == "ModuleLoadError"
    assert [json.loads(line)["message"] for line in logged] == ["greeting Ada", "hello"]


def test_an_environment_that_cannot_be_read_fails_the_check(tmp_path: Path) -> None:
    _, answer = run(tmp_path, "print(check())", TASKS, environment="[]")
    assert json.loads(answer)["failures"]["settings"].startswith("environment.json is not a JSON object of texts.")
