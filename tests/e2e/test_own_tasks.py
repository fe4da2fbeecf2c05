"""The user's own tasks on the local engine: a project that is deployed, runs, changes and breaks."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ftask.aws.api import ApiClient, TaskRequest
from ftask.aws.stack import deployed_stack
from ftask.aws.target import Target
from ftask.local.engine import Engine
from tests.support.cli import Cli, make_cli
from tests.support.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("own tasks")]

TASKS = """\
import os
import time

import six
from ftask import PermanentError, current, task


@task
def greet(name: str, greeting: str = "Hello"):
    print("greeting", name)
    return {"text": f"{greeting} {name}", "level": os.environ["LOG_LEVEL"], "six": six.PY3}


@task
def wait(seconds: float):
    time.sleep(seconds)


@task(max_attempts=3, backoff=(0, 0))
def flaky():
    if current().attempt < 2:
        raise ConnectionError("try again")
    return current().attempt


@task
def refuse():
    raise PermanentError("no such order")


@task(max_attempts=1)
def divide(by: int):
    return 1 / by


@task
async def read_bucket(name: str):
    import boto3

    return boto3.client("s3").get_object(Bucket=name, Key="letter")["Body"].read().decode()
"""
SETTINGS = """\
[tasks]
module = "tasks"
requirements = "requirements.txt"

[tasks.environment]
LOG_LEVEL = "INFO"

[stages.local.parameters]
BackoffBaseSeconds = 0
"""


@dataclass(frozen=True)
class Project:
    """A folder with tasks.py and ftask.toml, and the command line in it."""

    cli: Cli

    def write(self, name: str, text: str) -> None:
        (self.cli.folder / name).write_text(text)

    def deploy(self, *options: str) -> Any:
        done = self.cli("deploy", "--yes", "-o", "json", *options)
        assert done.code == 0, done.err
        return done.json

    def refused(self) -> str:
        """Return why a deployment ended with an error.

        It runs in the background, where a traceback may be shown.
        """
        deploying = self.cli.start("deploy", "--yes")
        _, said = deploying.communicate(timeout=60)
        assert deploying.returncode == 1
        return said

    def run(self, task_type: str, **payload: Any) -> Any:
        """Submit a task, and return it once it has ended."""
        task_id = self.submit(task_type, **payload)
        self.cli("watch", task_id, "--timeout", "60")
        return self.get(task_id)

    def submit(self, task_type: str, **payload: Any) -> str:
        """Submit a task, and return its id."""
        stack = deployed_stack(self.target)
        client = ApiClient(self.target, stack.outputs.api_url)
        return client.submit(TaskRequest(json.dumps(payload), uuid.uuid4().hex, task_type)).task_id

    def get(self, task_id: str) -> Any:
        return self.cli("get", task_id, "-o", "json").json

    @property
    def target(self) -> Target:
        return Target.local(self.cli("local", "status", "-o", "json").json["endpointUrl"])


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("project")
    state = tmp_path_factory.mktemp("state")
    cli = make_cli(state, folder)
    cli.environment["FTASK_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    project = Project(cli)
    project.write("tasks.py", TASKS)
    project.write("requirements.txt", "six==1.17.0\n")
    project.write("ftask.toml", SETTINGS)
    project.deploy()
    yield project
    Engine(state).stop()


def test_a_task_ends_with_the_functions_result(project: Project) -> None:
    task = project.run("greet", name="Ada")
    assert task["status"] == "COMPLETED"
    assert task["type"] == "greet"
    assert task["result"] == {"text": "Hello Ada", "level": "INFO", "six": True}


def test_a_task_that_fails_at_first_is_retried(project: Project) -> None:
    task = project.run("flaky")
    assert (task["status"], task["attempts"], task["result"]) == ("COMPLETED", 2, 2)


def test_a_permanent_error_is_not_retried(project: Project) -> None:
    task = project.run("refuse")
    assert (task["status"], task["attempts"]) == ("FAILED", 1)
    assert (task["lastError"]["type"], task["lastError"]["message"]) == ("PermanentError", "no such order")


def test_an_unexpected_exception_fails_the_task_with_its_type(project: Project) -> None:
    task = project.run("divide", by=0)
    assert (task["status"], task["attempts"]) == ("FAILED", 1)
    assert task["lastError"]["type"] == "ZeroDivisionError"


def test_a_task_may_do_what_the_policy_of_the_project_allows_and_no_more(project: Project) -> None:
    project.target.s3.create_bucket(Bucket="letters")
    project.target.s3.put_object(Bucket="letters", Key="letter", Body=b"Dear Ada")
    denied = project.run("read_bucket", name="letters")
    assert denied["status"] == "FAILED"
    assert "AccessDenied" in denied["lastError"]["message"]
    allowed = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::letters/*"}
    project.write("policy.json", json.dumps({"Statement": [allowed]}))
    project.write("ftask.toml", SETTINGS.replace("[tasks]\n", '[tasks]\npolicy = "policy.json"\n'))
    plan = project.deploy()
    assert [(change["action"], change["resource"]) for change in plan["changes"]] == [("Add", "TasksPolicy")]
    assert project.run("read_bucket", name="letters")["result"] == "Dear Ada"


def test_a_secret_is_read_by_the_worker_and_is_in_no_archive(project: Project) -> None:
    target = project.target
    secrets = target.session.client("secretsmanager", endpoint_url=target.endpoint_url)
    arn = secrets.create_secret(Name="stripe", SecretString="sk_live_1")["ARN"]
    project.write("tasks.py", f"{TASKS}\nKEY = os.environ['STRIPE_KEY']\n\n\n@task\ndef reveal():\n    return KEY\n")
    project.write("ftask.toml", f'{SETTINGS}\n[tasks.secrets]\nSTRIPE_KEY = "{arn}x"\n')
    assert "Cannot read the secret STRIPE_KEY" in project.refused()
    project.write("ftask.toml", f'{SETTINGS}\n[tasks.secrets]\nSTRIPE_KEY = "{arn}"\n')
    project.deploy()
    assert project.run("reveal")["result"] == "sk_live_1"
    rows = {row["name"]: row["value"] for row in project.cli("config", "-o", "json").json}
    assert rows["tasks.secrets.STRIPE_KEY"] == arn
    project.write("tasks.py", TASKS)
    project.write("ftask.toml", SETTINGS)
    project.deploy()


def test_a_requirement_with_compiled_parts_runs_on_this_machine(project: Project) -> None:
    project.write("requirements.txt", "six==1.17.0\npydantic>=2.10\n")
    project.write(
        "tasks.py", f"import datetime\n{TASKS}\n\n@task\ndef weekday(day: datetime.date):\n    return f'{{day:%A}}'\n"
    )
    project.deploy()
    assert project.run("weekday", day="2026-11-25")["result"] == "Wednesday"
    refused = project.run("weekday", day="tomorrow")
    assert (refused["status"], refused["attempts"]) == ("FAILED", 1)
    assert refused["lastError"]["type"] == "InvalidPayload"
    project.write("requirements.txt", "six==1.17.0\n")
    project.write("tasks.py", TASKS)
    project.deploy()


def test_a_change_of_task_code_leaves_the_api_alone(project: Project) -> None:
    before = project.cli("info", "-o", "json").json
    project.write("tasks.py", TASKS.replace("{greeting} {name}", "{greeting}, {name}!"))
    plan = project.deploy()
    assert [change["resource"] for change in plan["changes"]] == ["WorkerFunction"]
    after = project.cli("info", "-o", "json").json
    assert after["codeSha256"] == before["codeSha256"]
    assert after["workerCodeSha256"] != before["workerCodeSha256"]
    assert project.run("greet", name="Ada")["result"]["text"] == "Hello, Ada!"


def test_dev_swaps_the_code_at_each_change_and_kills_no_attempt(project: Project) -> None:
    with project.cli.following("dev") as dev:
        dev.until("Watching ftask.toml, requirements.txt, tasks.py", dev.err)
        waiting = project.submit("wait", seconds=4)
        until(lambda: project.get(waiting)["status"] == "PROCESSING", "the attempt runs")
        project.write("tasks.py", TASKS.replace("{greeting} {name}", "{greeting}, {name}!"))
        dev.until("Deployed in", dev.err)
        assert project.get(waiting)["history"] == [project.get(waiting)["history"][0] | {"outcome": "COMPLETED"}]
        assert any("Waiting for 1 attempt" in line for line in dev.err)
        assert project.run("greet", name="Ada")["result"]["text"] == "Hello, Ada!"
        dev.until("greeting Ada", dev.out)
        project.write("tasks.py", "def greet(:\n")
        dev.until("SyntaxError: invalid syntax", dev.err)
        dev.until("Waiting for the next change", dev.err)
        assert project.run("greet", name="Ada")["result"]["text"] == "Hello, Ada!"
        project.write("tasks.py", TASKS)
        dev.until("Deployed in", dev.err, times=2)
        assert dev.interrupt() == 130
    assert "Traceback" not in "".join(dev.err)
    assert "Interrupted" not in "".join(dev.err)


def test_dev_is_for_this_machine(project: Project) -> None:
    refused = project.cli("dev", "--stage", "prod")
    assert refused.code == 2
    assert "Deploy it with: ftask deploy --stage prod" in refused.err


def test_code_that_somebody_swapped_is_noticed_by_doctor(project: Project) -> None:
    def checked() -> Any:
        findings = project.cli("doctor", "-o", "json").json
        return next(finding for finding in findings if finding["check"] == "code")

    assert checked()["level"] == "ok"
    outputs = deployed_stack(project.target).outputs
    bucket = deployed_stack(project.target).parameters["CodeBucket"]
    client, worker = project.target.lambda_, outputs.worker_function
    client.update_function_code(FunctionName=worker, S3Bucket=bucket, S3Key=outputs.api_code_key)
    assert checked()["level"] == "warning"
    assert checked()["message"].startswith(f"{worker} runs other code than was deployed")
    client.update_function_code(FunctionName=worker, S3Bucket=bucket, S3Key=outputs.worker_code_key or "")
    assert checked()["level"] == "ok"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("import no_such_package\n", "no_such_package"),
        # ftask's own environment has it, and AWS Lambda does not.
        ("import pydantic\n", "No module named 'pydantic'"),
        ("def greet(:\n", "SyntaxError"),
        ("X = 1\n", "declares no tasks"),
        (TASKS.replace("def refuse(", "def greet("), "greet"),
    ],
    ids=["missing dependency", "dependency of ftask's own", "syntax error", "no tasks", "two of a name"],
)
def test_a_module_that_cannot_run_is_refused_before_anything_changes(project: Project, text: str, says: str) -> None:
    before = project.cli("info", "-o", "json").json
    project.write("tasks.py", text)
    said = project.refused()
    project.write("tasks.py", TASKS)
    assert "Cannot read the tasks of the module 'tasks'" in said
    assert says in said
    assert "Nothing was deployed" in said
    assert project.cli("info", "-o", "json").json["workerCodeSha256"] == before["workerCodeSha256"]


def test_a_module_that_only_the_worker_cannot_import_is_reported_at_each_deployment(project: Project) -> None:
    project.write(
        "tasks.py", f"{TASKS}\nif 'AWS_LAMBDA_FUNCTION_NAME' in os.environ:\n    raise OSError('only there')\n"
    )
    for said in (project.refused(), project.refused()):
        assert "The worker is deployed, and cannot import its tasks" in said
        assert "OSError: only there" in said
    project.write("tasks.py", TASKS)
    project.deploy()
    assert project.run("flaky")["status"] == "COMPLETED"


def test_an_invalid_policy_is_refused_before_anything_changes(project: Project) -> None:
    project.write("bad.json", '{"Statement": [{"Effect": "Allow"}]}')
    project.write("ftask.toml", SETTINGS.replace("[tasks]\n", '[tasks]\npolicy = "bad.json"\n'))
    refused = project.cli("deploy", "--yes")
    project.write("ftask.toml", SETTINGS)
    assert refused.code == 1
    assert "bad.json: statement 1: it needs either 'Action' or 'NotAction'" in refused.err


def test_a_stage_of_another_endpoint_gets_a_package_for_lambda(project: Project, tmp_path: Path) -> None:
    done = project.cli("package", "--stage", "prod", "--to", str(tmp_path), "--artifact-bucket", "code", "-o", "json")
    assert done.code == 0, done.err
    values = json.loads((tmp_path / "parameters.json").read_text())
    names = {entry["ParameterKey"]: entry["ParameterValue"] for entry in values}
    assert (tmp_path / names["CodeKey"]).is_file()
    assert (tmp_path / names["WorkerCodeKey"]).is_file()
    assert "TasksPolicy" not in (tmp_path / "template.yaml").read_text()
    refused = project.cli("package", "--to", str(tmp_path))
    assert refused.code == 2
    assert "Name another stage" in refused.err
