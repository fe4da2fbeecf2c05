"""What calling AWS costs a function, as ratios in one run: python tests/benchmarks/calls.py [ROUNDS]

The three writes of a task that succeeds (put, begin, settle), through the clients and the store of the functions,
against a bare botocore client that makes three writes of one task with the expressions that a worker without history
needs. No network and no engine: a handler answers each request once it is signed. CPU seconds of this process, which
another load on the machine disturbs less than wall time; both sides run in turn, and the median of the rounds counts.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

import botocore.session
from botocore.awsrequest import AWSResponse

from ftask.core import transitions
from ftask.core.clients import Clients
from ftask.core.dynamodb import DynamoStore
from ftask.core.item import task_to_item
from ftask.core.metrics import Usage
from ftask.core.model import Lease, Message, Status
from ftask.core.timestamps import to_iso
from tests.support.aws_answers import aws_answer
from tests.support.builders import a_task
from tests.support.clock import EPOCH

TASKS_A_ROUND = 100
UNTIL = EPOCH + timedelta(seconds=20)
TASK = a_task()
BEGUN = task_to_item(replace(TASK, status=Status.PROCESSING, attempts=1, lease=Lease("me", UNTIL)))
BEGUN["history"] = {"L": [{"M": {"epoch": {"N": "0"}, "startedAt": {"S": to_iso(EPOCH)}}}]}


def answer(client: Any) -> None:
    """Answer every request to DynamoDB in this process: a begin with its item, any other write with nothing."""
    begun = json.dumps({"Attributes": BEGUN, "ConsumedCapacity": {"CapacityUnits": 1}}).encode()
    other = json.dumps({"ConsumedCapacity": {"CapacityUnits": 1}}).encode()

    def respond(request: Any, **_: Any) -> AWSResponse:
        return aws_answer(request, begun if b"ALL_NEW" in request.body else other)

    client.meta.events.register_last("before-send.dynamodb.*", respond)


def bare() -> Callable[[], None]:
    client: Any = botocore.session.get_session().create_client("dynamodb")
    answer(client)
    key = {"taskId": {"S": TASK.task_id}}
    names = {"#status": "status"}

    def task() -> None:
        client.put_item(TableName="t", Item=task_to_item(TASK), ConditionExpression="attribute_not_exists(taskId)")
        client.update_item(
            TableName="t",
            Key=key,
            ConditionExpression="#status = :pending",
            UpdateExpression=(
                "SET #status = :processing, attempts = attempts + :one, leaseOwner = :me, leaseUntil = :until"
            ),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={
                ":pending": {"S": "PENDING"},
                ":processing": {"S": "PROCESSING"},
                ":one": {"N": "1"},
                ":me": {"S": "me"},
                ":until": {"S": to_iso(UNTIL)},
            },
            ReturnValues="ALL_NEW",
        )
        client.update_item(
            TableName="t",
            Key=key,
            ConditionExpression="#status = :processing AND leaseOwner = :me",
            UpdateExpression="SET #status = :completed, #result = :result, updatedAt = :now",
            ExpressionAttributeNames=names | {"#result": "result"},
            ExpressionAttributeValues={
                ":processing": {"S": "PROCESSING"},
                ":completed": {"S": "COMPLETED"},
                ":me": {"S": "me"},
                ":result": {"S": '{"ok":true}'},
                ":now": {"S": to_iso(EPOCH)},
            },
        )

    return task


def ours() -> Callable[[], None]:
    clients = Clients(1, Usage())
    answer(clients.dynamodb())
    store = DynamoStore(clients.dynamodb, "t")

    def task() -> None:
        store.put(TASK)
        _, begun = store.begin(Message(TASK.task_id), "me", UNTIL, EPOCH)
        assert begun is not None
        store.settle(transitions.completed(begun, '{"ok":true}', EPOCH), "me")

    return task


def milliseconds(task: Callable[[], None]) -> float:
    started = time.process_time()
    for _ in range(TASKS_A_ROUND):
        task()
    return (time.process_time() - started) * 1000 / TASKS_A_ROUND


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    os.environ |= {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
    mine, theirs = ours(), bare()
    milliseconds(mine), milliseconds(theirs)
    pairs = [(milliseconds(mine), milliseconds(theirs)) for _ in range(rounds)]
    print(
        f"three writes of a task: {median(pair[0] for pair in pairs):.2f} ms of CPU / bare botocore"
        f" {median(pair[1] for pair in pairs):.2f} ms = {median(own / other for own, other in pairs):.2f}"
    )


if __name__ == "__main__":
    main()
