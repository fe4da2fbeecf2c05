"""The worker under AWS's own runtime client: how it starts, what its check says, and what an outage does to it."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest

from ftask.core.codec import encode_message
from ftask.core.deployed import SECRETS_FILE
from ftask.core.model import Message, Status, Task
from ftask.local.engine import Engine
from tests.support.builders import TASK_ID, a_task
from tests.support.engines import local_target
from tests.support.lambda_sandbox import InvocationError, Sandbox
from tests.support.resources import Resources
from tests.support.worker_code import ENVIRONMENT, unpack_worker

pytestmark = pytest.mark.engine

TASKS = """
    from ftask import task

    @task
    def greet(name):
        return f"Hello, {name}"
"""
# Outside of the worker's own process, as in a child, its handler's module is not imported.
FAILS_IN_A_CHILD = "import sys\nif 'ftask.handlers.worker' not in sys.modules: raise OSError('not here')\n"
CHECK = {"ftask": "check"}
RECORD: dict[str, Literal["MessageId", "ReceiptHandle", "Body"]] = {
    "messageId": "MessageId",
    "receiptHandle": "ReceiptHandle",
    "body": "Body",
}


@pytest.fixture
def environment(engine: Engine, engine_resources: Resources) -> dict[str, str]:
    """The variables of a worker that has a table and queues of its own."""
    target = local_target(engine)
    return ENVIRONMENT | {
        "AWS_ENDPOINT_URL": str(target.endpoint_url),
        "AWS_ACCESS_KEY_ID": str(target.access_key),
        "AWS_SECRET_ACCESS_KEY": str(target.secret_key),
        "FTASK_TABLE": engine_resources.table,
        "FTASK_QUEUE_URL": engine_resources.queue_url,
        "FTASK_DEAD_LETTER_QUEUE_URL": engine_resources.dead_letter_queue_url,
    }


@dataclass
class Stage:
    """A task in the table, and its message in the queue."""

    resources: Resources
    environment: dict[str, str]

    def submit(self, task_type: str, payload: str = "{}") -> None:
        self.resources.store.put(a_task(type=task_type, payload=payload))
        self.resources.queue.send(Message(TASK_ID))

    def deliver(self, sandbox: Sandbox) -> Task:
        """Give the sandbox the message, which must be visible; return the task afterwards."""
        (message,) = self.resources.sqs.receive_message(QueueUrl=self.resources.queue_url, WaitTimeSeconds=5)[
            "Messages"
        ]
        record = {name: message[key] for name, key in RECORD.items()}
        answer = sandbox.invoke({"Records": [record]})
        if not answer["batchItemFailures"]:
            self.resources.sqs.delete_message(QueueUrl=self.resources.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return self.task

    @property
    def task(self) -> Task:
        task = self.resources.store.get(TASK_ID)
        assert task is not None
        return task


@pytest.fixture
def stage(engine_resources: Resources, environment: dict[str, str]) -> Stage:
    return Stage(engine_resources, environment)


def check(folder: Path, environment: Mapping[str, str], tasks: str | None = TASKS) -> Any:
    with Sandbox(unpack_worker(folder, tasks), environment) as sandbox:
        return sandbox.invoke(CHECK)


def test_the_check_of_a_whole_worker_names_its_types_and_both_import_times(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    answer = check(tmp_path, environment)
    assert (answer["types"], answer["failures"]) == (["greet"], {})
    assert answer["importSeconds"] is not None
    assert answer["childImportSeconds"] > 0


def test_the_check_leaves_the_table_and_the_queues_as_they_were(
    tmp_path: Path, environment: dict[str, str], engine_resources: Resources
) -> None:
    check(tmp_path, environment, tasks=None)
    assert engine_resources.dynamodb.scan(TableName=engine_resources.table)["Items"] == []
    for url in (engine_resources.queue_url, engine_resources.dead_letter_queue_url):
        assert "Messages" not in engine_resources.sqs.receive_message(QueueUrl=url)


def test_the_check_says_of_each_part_that_fails_why(tmp_path: Path, environment: dict[str, str]) -> None:
    for variable in ("FTASK_TABLE", "FTASK_QUEUE_URL", "FTASK_DEAD_LETTER_QUEUE_URL"):
        environment[variable] += "-gone"
    failures = check(tmp_path, environment, FAILS_IN_A_CHILD + dedent(TASKS))["failures"]
    assert sorted(failures) == ["child", "deadLetterQueue", "queue", "table"]
    assert "ResourceNotFoundException" in failures["table"]
    assert "NonExistentQueue" in failures["queue"]
    assert "NonExistentQueue" in failures["deadLetterQueue"]
    assert failures["child"].endswith("OSError: not here")


def test_the_tasks_are_imported_before_the_first_invocation(tmp_path: Path, stage: Stage) -> None:
    """An invocation of 256 MB has a seventh of the CPU that the initialisation has."""
    imported = tmp_path / "imported"
    tasks = f"import pathlib\npathlib.Path({str(imported)!r}).touch()\n" + dedent(TASKS)
    stage.submit("greet", '{"name": "Ada"}')
    with Sandbox(unpack_worker(tmp_path, tasks), stage.environment) as sandbox:
        sandbox.initialise()
        assert imported.exists()
        assert stage.deliver(sandbox).result == '"Hello, Ada"'


def test_an_import_that_fails_fails_the_invocation_and_begins_no_attempt(tmp_path: Path, stage: Stage) -> None:
    repaired = tmp_path / "repaired"
    tasks = f"import pathlib\nif not pathlib.Path({str(repaired)!r}).exists(): import nonsense\n" + dedent(TASKS)
    stage.submit("greet", '{"name": "Ada"}')
    with Sandbox(unpack_worker(tmp_path, tasks), stage.environment) as sandbox:
        with pytest.raises(InvocationError, match=r"ModuleLoadError: .*nonsense"):
            stage.deliver(sandbox)
        assert (stage.task.status, stage.task.attempts) == (Status.PENDING, 0)


ISOLATED = """
    import os, pathlib, sys, time
    from ftask import task

    if "ftask.handlers.worker" not in sys.modules:  # in a child
        with pathlib.Path("{folder}/starts").open("a") as file:
            print(os.getpid(), file=file)
        while not pathlib.Path("{folder}/ready").exists():
            time.sleep(0.05)

    @task(isolated=True)
    def alone():
        return os.getpid()
"""


def test_a_child_that_is_still_loading_when_its_invocation_ends_goes_on_in_the_next(
    tmp_path: Path, stage: Stage
) -> None:
    """The attempt is undone meanwhile, and its message visible at once."""
    stage.submit("alone")
    stage.environment["FTASK_TASK_BUDGET_SECONDS"] = "15"
    with Sandbox(unpack_worker(tmp_path, ISOLATED.format(folder=tmp_path)), stage.environment) as sandbox:
        handed_back = stage.deliver(sandbox)
        assert (handed_back.status, handed_back.attempts) == (Status.PENDING, 0)
        (tmp_path / "ready").touch()
        done = stage.deliver(sandbox)
    assert (done.status, done.attempts) == (Status.COMPLETED, 1)
    assert (tmp_path / "starts").read_text() == f"{done.result}\n"


def test_an_attempt_whose_child_is_never_ready_fails_in_the_third_invocation_and_says_what_helps(
    tmp_path: Path, stage: Stage
) -> None:
    """Otherwise it would be delivered for ever, with no attempt, no error and no dead letter."""
    stage.submit("alone")
    stage.environment["FTASK_TASK_BUDGET_SECONDS"] = "19.5"
    with Sandbox(unpack_worker(tmp_path, ISOLATED.format(folder=tmp_path)), stage.environment, 256) as sandbox:
        attempts = [stage.deliver(sandbox).attempts for _ in range(3)]
    assert attempts == [0, 0, 1]
    error = stage.task.last_error
    assert error is not None
    assert (stage.task.status, error.type) == (Status.RETRYING, "WorkerLost")
    assert "was still loading after" in error.message
    assert "256 MB have 0.14 of one. Raise WorkerMemory" in error.message


@contextmanager
def silent_server() -> Iterator[str]:
    """The URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def forgetful_server(url: str) -> Iterator[str]:
    """The URL of a server that passes every request on to `url`, and withholds the first answer."""
    over, upstream = threading.Event(), urlsplit(url).netloc
    withheld = iter([True])

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with closing(HTTPConnection(upstream)) as connection:
                connection.putrequest("POST", self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    connection.putheader(name, value)
                connection.endheaders(body)
                answer = connection.getresponse()
                content = answer.read()
            if next(withheld, False):
                over.wait()
                return
            self.send_response(answer.status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: Any) -> None:
            """Tests print their own story."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: Any, client_address: Any) -> None:
            """Whoever waits for the answer is killed in the end."""

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        over.set()
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("service", "body", "new_retries"),
    [
        ("DYNAMODB", encode_message(Message(TASK_ID)), "false"),
        ("DYNAMODB", encode_message(Message(TASK_ID)), "true"),
        ("SQS", "this is no task", "false"),
    ],
    ids=["table", "table, as botocore tries it from 1.44 on", "queue"],
)
def test_a_service_that_never_answers_fails_the_invocation_and_does_not_end_the_worker(
    tmp_path: Path, environment: dict[str, str], service: str, body: str, new_retries: str
) -> None:
    """With the SDK's tries alone the worker was killed: of 20 s too, if the undo of its begin hung as well."""
    environment |= {"FTASK_TASK_BUDGET_SECONDS": "1", "AWS_NEW_RETRIES_2026": new_retries}
    record = {"messageId": "m", "receiptHandle": "r", "body": body}
    with (
        silent_server() as url,
        Sandbox(
            unpack_worker(tmp_path), environment | {f"AWS_ENDPOINT_URL_{service}": url}, timeout_seconds=8
        ) as sandbox,
        pytest.raises(InvocationError) as ended,
    ):
        sandbox.invoke({"Records": [record]})
    assert ended.value.error_type == "ReadTimeoutError"


def test_secrets_that_cannot_be_read_fail_the_invocation_within_the_initialisations_ten_seconds(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    code = unpack_worker(tmp_path, TASKS)
    secret = "arn:aws:secretsmanager:us-east-1:123456789012:secret:stripe-AbCdEf"
    (code / "ftask" / SECRETS_FILE).write_text(json.dumps({"STRIPE": secret}))
    with silent_server() as url:
        variables = environment | {"AWS_ENDPOINT_URL_SECRETS_MANAGER": url}
        with Sandbox(code, variables) as sandbox:
            sandbox.initialise(limit_seconds=10)
            with pytest.raises(InvocationError, match="Cannot read the secret STRIPE"):
                sandbox.invoke({"Records": []})


def test_an_attempt_whose_begin_was_applied_and_not_answered_is_given_back(tmp_path: Path, stage: Stage) -> None:
    stage.submit("experiment", '{"message": "SUCCESS"}')
    stage.environment["FTASK_TASK_BUDGET_SECONDS"] = "1"
    with forgetful_server(stage.environment["AWS_ENDPOINT_URL"]) as url:
        stage.environment["AWS_ENDPOINT_URL_DYNAMODB"] = url
        code = unpack_worker(tmp_path)
        with (
            Sandbox(code, stage.environment, timeout_seconds=8) as sandbox,
            pytest.raises(InvocationError, match="ReadTimeoutError"),
        ):
            stage.deliver(sandbox)
    assert (stage.task.status, stage.task.attempts) == (Status.PENDING, 0)
