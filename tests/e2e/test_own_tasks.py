"""The user's own tasks on the local engine: the examples, deployed once, and a project that changes and breaks."""

from __future__ import annotations

import hashlib
import hmac
import json
import shutil
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ftask.aws.api import ApiClient
from ftask.aws.stack import deployed_stack
from ftask.aws.target import Target
from ftask.client.requests import TaskRequest
from ftask.home.state_folder import STATE_DIR_VARIABLE
from tests.conftest import start_engine
from tests.support.cli import Cli, Following, make_cli
from tests.support.engines import boto_session, local_target
from tests.support.invoice_service import (
    BROKEN,
    BUSY_AT_FIRST,
    REFUSED,
    SLOW_AT_FIRST,
    InvoiceService,
    invoice_service,
)
from tests.support.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("own tasks")]

EXAMPLES = Path(__file__).parents[1] / "examples"
BUCKET = "reports-000000000000"
SECRET = "sk_live_1"
# A module more than the examples have, which the tests change.
GREETINGS = """\
import logging
import os
import time

from ftask import current, task


@task
def greet(name: str, greeting: str = "Hello"):
    print("greeting", name)
    return f"{greeting} {name}"


@task
def wait(path: str):
    while not os.path.exists(path):
        time.sleep(0.05)


@task(max_attempts=3, backoff=(0, 0))
def flaky():
    logging.getLogger("shop.flaky").warning("try number %s", current().attempt)
    if current().attempt < 2:
        raise ConnectionError("try again")
    return current().attempt


@task(max_attempts=1)
def divide(by: int):
    return 1 / by
"""
WITH_COMMA = GREETINGS.replace("{greeting} {name}", "{greeting}, {name}!")


@dataclass(frozen=True)
class Project:
    """A folder with the examples and one module more, and the command line in it."""

    cli: Cli
    service: InvoiceService
    settings: str

    def write(self, text: str, name: str = "shop/greetings.py") -> None:
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

    def run_all(self, requests: Mapping[str, tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
        """Submit tasks, each a type and a payload, at once; return them by name once all have ended."""
        file = self.cli.folder / "tasks.jsonl"
        file.write_text("".join(json.dumps({"type": kind, "payload": body}) + "\n" for kind, body in requests.values()))
        done = self.cli("submit", "--file", str(file), "--fresh", "--wait", "-o", "json")
        tasks = [self.get(task["taskId"]) for task in done.json]
        found = {
            name: next(task for task in tasks if (task["type"], task["payload"]) == (kind, body))
            for name, (kind, body) in requests.items()
        }
        assert len(found) == len(tasks)
        return found

    def get(self, task_id: str) -> Any:
        return self.cli("get", task_id, "-o", "json").json

    def said_about(self, *command: str) -> str:
        """Return what a command shows, which may be a traceback."""
        out, _ = self.cli.start(*command).communicate(timeout=60)
        return out

    @property
    def code(self) -> tuple[str, str]:
        """The hashes of the code that is deployed: the API's and the worker's."""
        info = self.cli("info", "-o", "json").json
        return info["codeSha256"], info["workerCodeSha256"]

    @property
    def target(self) -> Target:
        return local_target(self.cli)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    folder = tmp_path_factory.mktemp("project") / "shop"
    state = tmp_path_factory.mktemp("state")
    shutil.copytree(EXAMPLES, folder, ignore=shutil.ignore_patterns("__pycache__"))
    cli = make_cli(state, folder)
    cli.environment["FTASK_CACHE_DIR"] = str(tmp_path_factory.mktemp("cache"))
    engine = start_engine(state)
    target = local_target(cli)
    target.s3.create_bucket(Bucket=BUCKET)
    secrets = boto_session(target).client("secretsmanager", endpoint_url=target.endpoint_url)
    arn = secrets.create_secret(Name="signing-key", SecretString=SECRET)["ARN"]
    with invoice_service() as service:
        settings = (folder / "ftask.toml").read_text() + (
            "[stages.local.parameters]\nBackoffBaseSeconds = 0\n"
            f'[stages.local.tasks.environment]\nINVOICES_URL = "{service.url}"\nREPORTS_BUCKET = "{BUCKET}"\n'
            f'[stages.local.tasks.secrets]\nSIGNING_KEY = "{arn}"\n'
        )
        project = Project(cli, service, settings)
        project.write(settings, "ftask.toml")
        project.write("from . import greetings, invoices, links, orders, reports\n", "shop/__init__.py")
        project.write(GREETINGS)
        project.deploy()
        yield project
    engine.stop()


def invoice(order: int, quantity: int = 2) -> tuple[str, Mapping[str, Any]]:
    lines = [{"article": "tea", "quantity": quantity, "price": "12.50"}]
    return "send_invoice", {"order_id": order, "email": "ada@example.org", "lines": lines}


@pytest.fixture(scope="module")
def ended(project: Project) -> dict[str, Any]:
    """One task of each kind, ended."""
    project.target.s3.put_object(Bucket=BUCKET, Key="2026/11/24.txt", Body=b"one\ntwo\nthree")
    pages = [f"{project.service.url}/{page}" for page in ("here", "gone", "slow")]
    return project.run_all(
        {
            "sent": invoice(17),
            "busy at first": invoice(BUSY_AT_FIRST),
            "refused": invoice(REFUSED),
            "broken": invoice(BROKEN),
            "slow at first": invoice(SLOW_AT_FIRST),
            "written": ("write_report", {"day": "2026-11-25", "lines": ["a", "b"]}),
            "read": ("count_lines", {"day": "2026-11-24"}),
            "denied": ("delete_report", {"day": "2026-11-24"}),
            "async": ("check_links", {"urls": pages, "seconds": 1}),
            "secret": ("sign_order", {"order_id": 17}),
            "flaky": ("flaky", {}),
            "unexpected": ("divide", {"by": 0}),
        }
    )


def outcome(task: Any) -> tuple[str, int, str | None]:
    """How a task ended, after how many attempts, and the type of the first attempt's error."""
    return task["status"], task["attempts"], task["history"][0].get("error", {}).get("type")


def test_a_task_calls_a_service_with_the_projects_dependencies(project: Project, ended: dict[str, Any]) -> None:
    assert outcome(ended["sent"]) == ("COMPLETED", 1, None)
    assert ended["sent"]["result"] == {"invoice": "inv-17", "total": "25.00"}
    assert outcome(ended["busy at first"]) == ("COMPLETED", 2, "RetryAfter")
    assert outcome(ended["refused"]) == ("FAILED", 1, "PermanentError")
    assert ended["refused"]["lastError"]["message"] == f"order {REFUSED} has no customer"
    assert outcome(ended["broken"]) == ("FAILED", 3, "HTTPStatusError")
    assert outcome(ended["slow at first"]) == ("COMPLETED", 2, "ReadTimeout")
    # The same key at each attempt.
    attempts = {name: ended[name]["attempts"] for name in ("sent", "busy at first", "refused", "broken")}
    assert {name: project.service.requests[ended[name]["taskId"]] for name in attempts} == attempts


def test_a_payload_that_does_not_fit_is_refused_at_submission(project: Project) -> None:
    task_type, payload = invoice(17, quantity=-1)
    refused = project.cli("submit", task_type, "--payload", json.dumps(payload))
    assert refused.code == 2
    assert "quantity" in refused.err


def test_a_task_may_do_in_aws_what_the_policy_of_the_project_allows(project: Project, ended: dict[str, Any]) -> None:
    assert ended["written"]["result"] == "2026/11/25.txt"
    written = project.target.s3.get_object(Bucket=BUCKET, Key="2026/11/25.txt")["Body"].read()
    assert written == b"a\nb"
    assert ended["read"]["result"] == 3


def test_a_denied_call_names_the_statement_that_would_allow_it(project: Project, ended: dict[str, Any]) -> None:
    task = ended["denied"]
    assert outcome(task) == ("FAILED", 1, "AccessDenied")
    # The local engine does not name an object of S3; AWS does.
    statement = '{"Effect": "Allow", "Action": "s3:DeleteObject", "Resource": "ARN"}'
    assert f"add this statement to the policy of the tasks, policy.json: {statement}" in task["lastError"]["message"]
    assert statement in project.said_about("dlq", "show", task["taskId"])
    assert statement in project.said_about("logs", "--task", task["taskId"])


def test_logs_find_what_a_task_logged_by_a_pattern(project: Project, ended: dict[str, Any]) -> None:
    logs = ("logs", "--task", ended["flaky"]["taskId"])
    (line,) = project.cli(*logs, "--grep", "try NUMBER 2|try number [2-9]").out.splitlines()
    assert line.partition("  ")[2] == f"worker  {logs[2]}  WARNING    shop.flaky: try number 2"
    assert len(project.cli(*logs, "--grep", "try number", "--level", "warning").out.splitlines()) == 2
    missed = project.cli(*logs, "--grep", "Try number")
    assert (missed.out, missed.code) == ("", 0)
    assert "Nothing was logged that matches" in missed.err


def test_an_async_task_does_many_things_at_once(ended: dict[str, Any]) -> None:
    assert list(ended["async"]["result"].values()) == [200, 404, None]


def test_a_secret_is_read_by_the_worker(project: Project, ended: dict[str, Any]) -> None:
    assert ended["secret"]["result"] == hmac.digest(SECRET.encode(), b"17", hashlib.sha256).hex()
    rows = {row["name"]: row["value"] for row in project.cli("config", "-o", "json").json}
    assert rows["tasks.secrets.SIGNING_KEY"].startswith("arn:aws:secretsmanager:")


def test_an_exception_is_a_failed_attempt(project: Project, ended: dict[str, Any]) -> None:
    assert outcome(ended["flaky"]) == ("COMPLETED", 2, "ConnectionError")
    assert ended["flaky"]["result"] == 2
    assert outcome(ended["unexpected"]) == ("FAILED", 1, "ZeroDivisionError")
    said = project.said_about("get", ended["unexpected"]["taskId"])
    assert "in divide" in said
    assert said.rstrip().endswith("ZeroDivisionError: division by zero")
    assert "traceback" not in ended["unexpected"]
    in_json = json.loads(project.said_about("get", ended["unexpected"]["taskId"], "--traceback", "-o", "json"))
    assert in_json["traceback"].endswith("ZeroDivisionError: division by zero")


def test_of_many_tasks_none_is_lost_and_each_has_its_own_result(project: Project) -> None:
    names = [f"number {number}" for number in range(200)]
    file = project.cli.folder / "many.jsonl"
    file.write_text("".join(json.dumps({"name": name}) + "\n" for name in names))
    done = project.cli("submit", "greet", "--file", str(file), "--wait", "-o", "json")
    assert done.code == 0
    results = {task["payload"]["name"]: task["result"] for task in done.json}
    assert results == {name: f"Hello {name}" for name in names}
    assert len(done.json) == len(names)


@pytest.fixture
def dev(project: Project) -> Iterator[Following]:
    """`ftask dev` in the project, which is as it was deployed before and after."""
    with project.cli.following("dev") as dev:
        dev.until("Watching ", dev.err)
        yield dev
    project.write(GREETINGS)
    project.write(project.settings, "ftask.toml")


def test_dev_swaps_the_code_at_each_change_and_kills_no_attempt(project: Project, dev: Following) -> None:
    done = project.cli.folder / "done"
    waiting = project.submit("wait", path=str(done))
    until(lambda: bool(project.get(waiting)["status"] == "PROCESSING"), "the attempt runs")
    project.write(WITH_COMMA)
    dev.until("Waiting for 1 attempt to end", dev.err)
    assert project.get(waiting)["status"] == "PROCESSING"
    done.touch()
    dev.until("Deployed in", dev.err)
    assert [attempt["outcome"] for attempt in project.get(waiting)["history"]] == ["COMPLETED"]
    assert project.run("greet", name="Ada")["result"] == "Hello, Ada!"
    dev.until("greeting Ada", dev.out)
    project.write(GREETINGS)
    dev.until("Deployed in", dev.err, times=2)
    assert dev.interrupt() == 130
    said = "".join(dev.err)
    assert "Interrupted" not in said
    assert "Traceback" not in said


def test_dev_keeps_the_deployed_code_where_the_project_is_broken(project: Project, dev: Following) -> None:
    before = project.code
    broken = {
        "import no_such_package\n": "No module named 'no_such_package'",
        # ftask's own environment has it, and AWS Lambda does not.
        "import typer\n": "No module named 'typer'",
        "def greet(:\n": "SyntaxError: invalid syntax",
        GREETINGS.replace("def wait(", "def greet("): "Two tasks are named 'greet'",
    }
    for number, (text, says) in enumerate(broken.items(), 1):
        project.write(text)
        dev.until(says, dev.err)
        dev.until("Waiting for the next change", dev.err, times=number)
    assert sum("Nothing was deployed" in line for line in dev.err) == len(broken)
    assert project.code == before
    assert project.run("greet", name="Ada")["result"] == "Hello Ada"
    project.write(GREETINGS)
    dev.until("Up to date", dev.err, times=2)
    # Only the worker can find out.
    missing = "arn:aws:secretsmanager:us-east-1:000000000000:secret:signing-key-gone"
    project.write(project.settings + f'NEW_KEY = "{missing}"\n', "ftask.toml")
    dev.until("Cannot read the secret NEW_KEY", dev.err)
    project.write(project.settings, "ftask.toml")
    dev.until("Deployed in", dev.err, times=2)
    assert project.run("greet", name="Ada")["result"] == "Hello Ada"


def test_dev_is_for_this_machine(project: Project) -> None:
    refused = project.cli("dev", "--stage", "prod")
    assert refused.code == 2
    assert "Deploy it with: ftask deploy --stage prod" in refused.err


def test_a_change_of_task_code_leaves_the_api_alone(project: Project) -> None:
    api_before, worker_before = project.code
    project.write(WITH_COMMA)
    plan = project.deploy()
    assert [change["resource"] for change in plan["changes"]] == ["WorkerFunction"]
    api_after, worker_after = project.code
    assert api_after == api_before
    assert worker_after != worker_before
    assert project.run("greet", name="Ada")["result"] == "Hello, Ada!"


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
    client.update_function_code(FunctionName=worker, S3Bucket=bucket, S3Key=outputs.worker_code_key)
    assert checked()["level"] == "ok"


def test_a_module_that_cannot_run_is_refused_before_anything_changes(project: Project) -> None:
    before = project.code
    project.write("X = 1\n", "shop/__init__.py")
    said = project.refused()
    project.write("from . import greetings, invoices, links, orders, reports\n", "shop/__init__.py")
    assert "Cannot read the tasks of the module 'shop'" in said
    assert "declares no tasks" in said
    assert "Nothing was deployed" in said
    assert project.code == before


def test_an_invalid_policy_is_refused_before_anything_changes(project: Project) -> None:
    policy = (project.cli.folder / "policy.json").read_text()
    project.write('{"Statement": [{"Effect": "Allow"}]}', "policy.json")
    refused = project.cli("deploy", "--yes")
    project.write(policy, "policy.json")
    assert refused.code == 1
    assert "policy.json: statement 1: it needs either 'Action' or 'NotAction'" in refused.err


def test_a_stage_of_another_endpoint_gets_a_package_for_lambda(project: Project, tmp_path: Path) -> None:
    done = project.cli("package", "--stage", "prod", "--to", str(tmp_path), "--artifact-bucket", "code", "-o", "json")
    assert done.code == 0, done.err
    values = json.loads((tmp_path / "parameters.json").read_text())
    names = {entry["ParameterKey"]: entry["ParameterValue"] for entry in values}
    assert (tmp_path / names["CodeKey"]).is_file()
    assert (tmp_path / names["WorkerCodeKey"]).is_file()
    template = (tmp_path / "template.yaml").read_text()
    assert "arn:aws:s3:::reports-${AWS::AccountId}/*" in template
    assert "secret:signing-key-AbCdEf" in template
    refused = project.cli("package", "--to", str(tmp_path))
    assert refused.code == 2
    assert "Name another stage" in refused.err


def test_a_worker_that_cannot_run_tasks_is_named_by_whatever_an_operator_looks_at(project: Project) -> None:
    target = project.target
    secrets = boto_session(target).client("secretsmanager", endpoint_url=target.endpoint_url)
    arn = secrets.create_secret(Name="lost", SecretString=SECRET)["ARN"]
    project.write(project.settings + f'LOST = "{arn}"\n', "ftask.toml")
    project.deploy()
    secrets.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    worker = deployed_stack(target).outputs.worker_function
    # So that it starts anew.
    target.lambda_.update_function_configuration(FunctionName=worker, MemorySize=257)
    cause, cure = "Cannot read the secret LOST", "Correct the project, then run: ftask deploy"
    waited = project.cli("submit", "greet", "name=Ada", "--wait", "--timeout", "20")
    assert waited.code == 4
    info, top = project.cli("info", "-o", "json"), project.cli("top", "--count", "1", "-o", "json").json
    (found,) = [each for each in project.cli("doctor", "-o", "json").json if each["check"] == "start"]
    for said in (
        waited.err,
        info.err,
        info.json["worker"]["problem"],
        top["problem"],
        " ".join(map(str, found.values())),
    ):
        assert cause in said
        assert cure in said
    errors = map(json.loads, project.said_about("logs", "--level", "ERROR", "-o", "json").splitlines())
    assert any(error["event"] == "initialisationFailed" and cause in error["errorMessage"] for error in errors)
    project.write(project.settings, "ftask.toml")
    project.deploy()
    target.lambda_.update_function_configuration(FunctionName=worker, MemorySize=256)
    assert project.run("greet", name="Ada")["status"] == "COMPLETED"
    assert project.cli("info", "-o", "json").json["worker"]["problem"] is None


def test_a_deployment_whose_worker_cannot_run_tasks_goes_back_to_the_one_before(project: Project) -> None:
    before = project.code
    known = Path(project.cli.environment[STATE_DIR_VARIABLE], "projects.json")
    of_before = known.read_text()
    known.write_text('{"local": "/another"}')
    project.write(f"{GREETINGS}\nif 'AWS_LAMBDA_FUNCTION_NAME' in os.environ:\n    raise OSError('only there')\n")
    said = project.refused()
    assert json.loads(known.read_text())["local"] == "/another"
    known.write_text(of_before)
    project.write(GREETINGS)
    assert "OSError: only there" in said
    assert "The previous deployment is back, and runs them" in said
    assert project.code == before
    assert project.run("greet", name="Ada")["status"] == "COMPLETED"
