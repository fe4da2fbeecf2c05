"""What the worker costs against a bare one, as ratios in one run: python tests/benchmarks/worker.py [TASKS] [ROUNDS]

The bare worker is a Lambda function on the same local engine that knows no task queue: for each message, boto3 writes
that the task has begun and that it is completed, each under a condition, in a loop over the batch. Both drain a queue
of as many tasks that do nothing, in batches of 10, up to 10 at once, in turn. CPU time per task of the workers'
processes and of the engine's, and the wall time from the first begin to the last completion; medians of the rounds.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
import time
import uuid
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from ftask.aws.stack import deployed_stack
from ftask.aws.stage import Stage
from ftask.core.dynamodb import DynamoStore
from ftask.core.model import Message
from ftask.core.sqs import MAX_BATCH, SqsQueue
from ftask.core.timestamps import from_iso
from ftask.local.engine import Engine
from ftask.local.record import PORT_VARIABLE, any_free_port
from tests.support.builders import a_task
from tests.support.cli import make_cli
from tests.support.engines import local_target, running
from tests.support.processes import cpu_ms

WORKER = """
import json, os
from datetime import datetime, timezone
import boto3

dynamodb = boto3.client("dynamodb")
TABLE = os.environ["TABLE"]

def now():
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds")

def handler(event, context):
    left = []
    for record in event["Records"]:
        try:
            run(json.loads(record["body"])["taskId"], context.aws_request_id)
        except dynamodb.exceptions.ConditionalCheckFailedException:
            left.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": left}

def run(task_id, owner):
    key, names = {"taskId": {"S": task_id}}, {"#status": "status"}
    task = dynamodb.update_item(
        TableName=TABLE, Key=key, ConditionExpression="#status = :pending", ExpressionAttributeNames=names,
        UpdateExpression="SET #status = :processing, attempts = attempts + :one, leaseOwner = :me, startedAt = :now",
        ExpressionAttributeValues={
            ":pending": {"S": "PENDING"}, ":processing": {"S": "PROCESSING"}, ":one": {"N": "1"}, ":me": {"S": owner},
            ":now": {"S": now()},
        },
        ReturnValues="ALL_NEW",
    )["Attributes"]
    result = json.dumps(json.loads(task["payload"]["S"]))
    dynamodb.update_item(
        TableName=TABLE, Key=key, ConditionExpression="#status = :processing AND leaseOwner = :me",
        UpdateExpression="SET #status = :completed, #result = :result, completedAt = :now",
        ExpressionAttributeNames={**names, "#result": "result"},
        ExpressionAttributeValues={
            ":processing": {"S": "PROCESSING"}, ":completed": {"S": "COMPLETED"}, ":me": {"S": owner},
            ":result": {"S": result}, ":now": {"S": now()},
        },
    )
"""
NAME = "bare"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"},
    ],
}
ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class Contestant:
    """A worker, its table and its queue."""

    function: str
    table: str
    queue_url: str
    mapping: str
    # When the work on an item began.
    started_at: Callable[[dict[str, Any]], str]


class Drain(NamedTuple):
    """What draining one queue took: milliseconds of CPU time per task, and seconds in all."""

    worker: float
    engine: float
    wall: float


def bare(target: Any) -> Contestant:
    """Create the bare worker, with a table and a queue of its own."""
    target.dynamodb.create_table(
        TableName=NAME,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "taskId", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "taskId", "KeyType": "HASH"}],
    )
    queue_url = target.sqs.create_queue(QueueName=NAME, Attributes={"VisibilityTimeout": "30"})["QueueUrl"]
    attributes = target.sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]
    iam = target._client("iam")
    role = iam.create_role(RoleName=NAME, AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName=NAME, PolicyName=NAME, PolicyDocument=json.dumps(ALL))
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        archive.writestr("worker.py", WORKER)
    target.lambda_.create_function(
        FunctionName=NAME,
        Runtime="python3.13",
        Handler="worker.handler",
        Role=role,
        Code={"ZipFile": code.getvalue()},
        Timeout=20,
        MemorySize=256,
        Environment={"Variables": {"TABLE": NAME}},
    )
    mapping = target.lambda_.create_event_source_mapping(
        EventSourceArn=attributes["QueueArn"],
        FunctionName=NAME,
        BatchSize=10,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 10},
        Enabled=False,
    )["UUID"]
    return Contestant(NAME, NAME, queue_url, mapping, lambda item: str(item["startedAt"]["S"]))


def ours(stage: Stage) -> Contestant:
    outputs = stage.outputs
    return Contestant(
        outputs.worker_function,
        outputs.table,
        outputs.queue_url,
        outputs.worker_source,
        lambda item: str(item["history"]["L"][0]["M"]["startedAt"]["S"]),
    )


def processes_of(function: str, engine: int) -> list[int]:
    """The processes in which the engine runs a function."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            environment = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if parent == engine and f"AWS_LAMBDA_FUNCTION_NAME={function}".encode() in environment:
            found.append(int(folder.name))
    return found


def switch(target: Any, contestant: Contestant, *, enabled: bool) -> None:
    target.lambda_.update_event_source_mapping(UUID=contestant.mapping, Enabled=enabled)


def fill(target: Any, contestant: Contestant, tasks: int) -> set[str]:
    """Submit so many tasks, and return their ids."""
    store = DynamoStore(lambda: target.dynamodb, contestant.table)
    queue = SqsQueue(lambda: target.sqs, contestant.queue_url)
    ids = [uuid.uuid4().hex for _ in range(tasks)]
    for task_id in ids:
        assert store.put(a_task(task_id=task_id)) is None
    for start in range(0, tasks, MAX_BATCH):
        queue.send_many([Message(task_id) for task_id in ids[start : start + MAX_BATCH]])
    return set(ids)


def drain(target: Any, engine: int, contestant: Contestant, tasks: int) -> Drain:
    """Fill the queue, let the worker empty it, and measure that."""
    ids = fill(target, contestant, tasks)
    before = {pid: cpu_ms(pid) for pid in processes_of(contestant.function, engine)}
    engine_before = cpu_ms(engine)
    switch(target, contestant, enabled=True)
    while True:
        time.sleep(0.5)
        counts = target.sqs.get_queue_attributes(QueueUrl=contestant.queue_url, AttributeNames=["All"])["Attributes"]
        if counts["ApproximateNumberOfMessages"] == counts["ApproximateNumberOfMessagesNotVisible"] == "0":
            break
    engine_ms = cpu_ms(engine) - engine_before
    worker_ms = sum(cpu_ms(pid) - before.get(pid, 0) for pid in processes_of(contestant.function, engine))
    switch(target, contestant, enabled=False)
    moments: list[tuple[datetime, datetime]] = []
    for page in target.dynamodb.get_paginator("scan").paginate(TableName=contestant.table):
        for item in page["Items"]:
            if item["taskId"]["S"] in ids:
                assert item["status"]["S"] == "COMPLETED"
                moments.append((from_iso(contestant.started_at(item)), from_iso(item["completedAt"]["S"])))
    assert len(moments) == tasks
    wall = max(end for _, end in moments) - min(start for start, _ in moments)
    return Drain(worker_ms / tasks, engine_ms / tasks, wall.total_seconds())


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        cli = make_cli(Path(folder), Path(folder))
        cli.environment[PORT_VARIABLE] = str(any_free_port())
        try:
            assert cli("deploy", "--yes").code == 0
            assert cli("pause").code == 0
            target = local_target(cli)
            pid = running(cli).pid
            contestants = {"ftask": ours(Stage(target, deployed_stack(target))), "bare": bare(target)}
            taken: dict[str, list[Drain]] = {name: [] for name in contestants}
            for number in range(rounds + 1):
                for name, contestant in contestants.items():
                    drained = drain(target, pid, contestant, tasks)
                    if number:  # the first round starts the workers
                        taken[name].append(drained)
        finally:
            Engine(Path(folder)).stop()
    for what, unit in (("worker", "ms of CPU a task"), ("engine", "ms of CPU a task"), ("wall", "s")):
        mine, theirs = ([getattr(each, what) for each in taken[name]] for name in ("ftask", "bare"))
        ratio = median(own / other for own, other in zip(mine, theirs, strict=True))
        print(f"{what}: {median(mine):.2f} {unit} / bare {median(theirs):.2f} = {ratio:.2f}")


if __name__ == "__main__":
    main()
