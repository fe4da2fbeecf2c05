"""Both functions from their archives, through their handlers: own tasks from the request to the result."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from textwrap import dedent
from typing import Any

import pytest

from ftask.core.manifest import encode_manifest
from ftask.deploy.build import api_content, worker_content
from ftask.tasks.declaration import fresh_registry
from ftask.tasks.manifest import build_manifest

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "a",
    "AWS_SECRET_ACCESS_KEY": "b",
    "AWS_DEFAULT_REGION": "us-east-1",
    "FTASK_STACK": "s",
    "FTASK_TABLE": "t",
    "FTASK_MAX_ATTEMPTS": "2",
    "FTASK_RETENTION_DAYS": "30",
    "FTASK_BACKOFF_BASE_SECONDS": "0",
    "FTASK_BACKOFF_CAP_SECONDS": "900",
    "FTASK_BACKOFF_JITTER": "false",
    "FTASK_ERROR_RATE": "0",
    "FTASK_TASK_BUDGET_SECONDS": "1",
}
TASKS = """
    from datetime import date

    from ftask import PermanentError, current, task

    @task(max_attempts=3)
    def add(left: int, right: int = 1):
        if current().attempt < 2:
            raise OSError("not yet")
        return {"sum": left + right, "attempt": current().attempt}

    @task
    async def refuse(reason):
        raise PermanentError(reason)

    @task
    def book(day: date):
        return str(day)
"""
# Submits each request, lets the worker run what is in the queue until it is empty, and prints the tasks as they ended.
PROGRAM = """
    import json, os, sys
    from types import SimpleNamespace
    from moto import mock_aws

    requests = json.loads(sys.argv[1])
    with mock_aws():
        import boto3
        dynamodb, sqs = boto3.client("dynamodb"), boto3.client("sqs")
        key = [{"AttributeName": "taskId", "AttributeType": "S"}], [{"AttributeName": "taskId", "KeyType": "HASH"}]
        dynamodb.create_table(
            TableName="t", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=key[0], KeySchema=key[1]
        )
        for name, variable in (("q", "FTASK_QUEUE_URL"), ("d", "FTASK_DEAD_LETTER_QUEUE_URL")):
            os.environ[variable] = sqs.create_queue(QueueName=name)["QueueUrl"]
        from ftask.handlers import api, worker

        stdout, sys.stdout = sys.stdout, sys.stderr  # where both functions log
        context = SimpleNamespace(get_remaining_time_in_millis=lambda: 20_000)

        def call(route, **event):
            return json.loads(api.handler({"routeKey": route, **event}, context)["body"])

        answers = [call("POST /tasks", queryStringParameters=query, body=body) for query, body in requests]
        while messages := sqs.receive_message(QueueUrl=os.environ["FTASK_QUEUE_URL"]).get("Messages"):
            records = [
                {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"]}
                for message in messages
            ]
            left = worker.handler({"Records": records}, context)["batchItemFailures"]
            if not left:
                sqs.delete_message(QueueUrl=os.environ["FTASK_QUEUE_URL"], ReceiptHandle=records[0]["receiptHandle"])
        ended = [
            call("GET /tasks/{taskId}", pathParameters={"taskId": answer["taskId"]}) if "taskId" in answer else answer
            for answer in answers
        ]
        letters = sqs.receive_message(
            QueueUrl=os.environ["FTASK_DEAD_LETTER_QUEUE_URL"], MaxNumberOfMessages=10, MessageAttributeNames=["All"]
        ).get("Messages", [])
        types = [letter["MessageAttributes"]["type"]["StringValue"] for letter in letters]
        print(json.dumps({"ended": ended, "letters": types}), file=stdout)
"""


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """How the tasks of these requests ended, and what was logged."""
    folder = tmp_path_factory.mktemp("functions")
    source = folder / "source.py"
    source.write_text(dedent(TASKS), encoding="utf-8")
    with fresh_registry() as registry:
        exec(compile(source.read_text(), str(source), "exec"), {"__name__": "tasks"})  # noqa: S102 - the text above
        manifest = encode_manifest(replace(build_manifest(registry), module="tasks")).encode()
    for content in (api_content(manifest), worker_content({"tasks.py": source}, manifest=manifest)):
        content.write_to(folder / "code")
    requests = [
        ({"type": "add"}, '{"left": 2, "right": "40"}'),
        ({"type": "book"}, '{"day": "tomorrow"}'),
        ({"type": "add"}, '{"right": 1}'),
        ({"type": "refuse"}, '{"reason": "no such order"}'),
        ({"type": "experiment"}, '{"message": "SUCCESS"}'),
    ]
    done = subprocess.run(
        [sys.executable, "-c", dedent(PROGRAM), json.dumps(requests)],
        cwd=folder / "code",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env=ENVIRONMENT,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result | {"logged": done.stderr}


def test_a_task_is_retried_and_ends_with_the_functions_result(ended: dict[str, Any]) -> None:
    task = ended["ended"][0]
    assert (task["type"], task["status"], task["maxAttempts"]) == ("add", "COMPLETED", 3)
    assert task["result"] == {"sum": 42, "attempt": 2}
    assert task["history"][0]["error"] == {"type": "OSError", "message": "not yet"}
    assert '"event":"attemptFailed"' in ended["logged"]


def test_a_payload_that_cannot_be_converted_fails_its_task_at_once(ended: dict[str, Any]) -> None:
    task = ended["ended"][1]
    assert (task["status"], task["attempts"], task["lastError"]["type"]) == ("FAILED", 1, "InvalidPayload")
    assert task["lastError"]["message"].startswith("Task type book: day: Input should be a valid date")


def test_a_missing_argument_is_refused_at_submission(ended: dict[str, Any]) -> None:
    problem = ended["ended"][2]
    assert problem["status"] == 422
    assert problem["detail"] == "Task type add: missing argument 'left'. Arguments: left, right (optional)."


def test_a_permanent_error_of_an_async_task_fails_it_at_once(ended: dict[str, Any]) -> None:
    task = ended["ended"][3]
    assert (task["status"], task["attempts"]) == ("FAILED", 1)
    assert task["lastError"] == {"type": "PermanentError", "message": "no such order"}


def test_the_experiment_runs_next_to_them(ended: dict[str, Any]) -> None:
    assert (ended["ended"][4]["status"], ended["ended"][4]["result"]) == ("COMPLETED", {"message": "done"})


def test_each_dead_letter_says_its_type(ended: dict[str, Any]) -> None:
    assert sorted(ended["letters"]) == ["book", "refuse"]
