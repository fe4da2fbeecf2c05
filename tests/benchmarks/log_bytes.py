"""What a task logs, in bytes: python tests/benchmarks/log_bytes.py [TASKS]

Runs tasks through the code of both functions, over a table and queues of a local engine of its own, and counts the
lines that they write, and Lambda's own lines as its documentation shows them, where the template's level lets them
pass. The access log is counted by the template's format. CloudWatch adds 26 bytes for each line, which are told apart.
"""

from __future__ import annotations

import io
import json
import re
import sys
from contextlib import redirect_stdout
from datetime import timedelta
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[2]))

from ftask.core.clients import count
from ftask.core.execution import Executor
from ftask.core.manifest import TaskType
from ftask.core.metrics import Meter, Usage
from ftask.core.retry import RetryPolicy
from ftask.core.timestamps import now
from ftask.core.workload import by_type, simulated
from stack.handlers.worker import Worker
from tests.support import resources
from tests.support.engines import engine_of_its_own, local_target
from tests.support.http import api_over, call

STACK = "ftask-prod"
ENTRY_BYTES = 26
# https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
START = {"requestId": "79b4f56e-95b1-4643-9700-2807f4e68189", "version": "$LATEST"}
REPORT = {
    "requestId": "79b4f56e-95b1-4643-9700-2807f4e68189",
    "metrics": {"durationMs": 16.23, "billedDurationMs": 17, "memorySizeMB": 256, "maxMemoryUsedMB": 90},
    "status": "success",
}
PLATFORM = tuple(
    json.dumps({"time": "2026-01-01T00:00:00.000Z", "type": kind, "record": record}, separators=(",", ":"))
    for kind, record in (("platform.start", START), ("platform.report", REPORT))
)
# What a line of the access log says of a request that a role has signed.
REQUEST = {
    "$context.requestId": "JKJaXmPLvHcESHA=",
    "$context.requestTime": "01/Jan/2026:00:00:00 +0000",
    "$context.identity.sourceIp": "203.0.113.17",
    "$context.identity.userArn": "arn:aws:sts::123456789012:assumed-role/orders/orders-service",
    "$context.routeKey": "POST /tasks",
    "$context.status": "202",
    "$context.responseLatency": "21",
}


def platform_lines() -> tuple[str, ...]:
    """Lambda's lines about an invocation that went well: INFO, so none from WARN on."""
    (level,) = {
        resource["Properties"]["LoggingConfig"].get("SystemLogLevel", "INFO")
        for resource in resources.template()["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }
    return PLATFORM if level in ("DEBUG", "INFO") else ()


def access_line() -> str:
    text = resources.template()["Resources"]["ApiStage"]["Properties"]["AccessLogSettings"]["Format"]
    for variable, value in REQUEST.items():
        text = text.replace(variable, value)
    return re.sub(r"\$context[.\w]+", "-", text)


def report(title: str, tasks: int, lines: list[str]) -> None:
    size = sum(len(line.encode()) for line in lines)
    print(
        f"{title:<45} {size / tasks:5.0f} bytes a task in {len(lines) / tasks:.2f} lines;"
        f" {(size + ENTRY_BYTES * len(lines)) / tasks:5.0f} as CloudWatch counts them"
    )


def submit(world: resources.Resources, tasks: int, size: int, task_type: str) -> list[str]:
    """Submit the tasks; return what the API logs."""
    usage = Usage()
    count(world.dynamodb, usage)
    count(world.sqs, usage)
    api = api_over(world, types=[TaskType("greet", accepts_more=True)])
    api = type(api)(api.store, api.submitter, api.failed, Meter(STACK, usage))
    lines: list[str] = []
    payload = {"message": "work"}
    for _ in range(tasks // size):
        with redirect_stdout(io.StringIO()) as out:
            if size == 1:
                assert call(api, "POST", f"/tasks?type={task_type}", payload).status == 202
            else:
                entries = [{"payload": payload, "type": task_type}] * size
                assert call(api, "POST", "/tasks/batch", {"tasks": entries}).status == 202
        lines += [*out.getvalue().splitlines(), *platform_lines()]
    return lines


def run(world: resources.Resources, size: int, error_rate: float, types: list[str]) -> list[str]:
    """Run every task to its end, `size` messages an invocation; return what the worker logs."""
    usage = Usage()
    count(world.dynamodb, usage)
    count(world.sqs, usage)
    rng = Random(17)
    meter = Meter(STACK, usage, types=types)
    handler = simulated(error_rate, rng)
    executor = Executor(
        store=world.store,
        queue=world.queue,
        dead_letters=world.dead_letters,
        handler=by_type(handler, handler),
        clock=now,
        rng=rng,
        policy=RetryPolicy(base_seconds=0),
        budget=timedelta(seconds=1),
        retention=timedelta(days=30),
        observe=meter.observe,
    )
    worker = Worker(executor, meter)
    lines: list[str] = []
    while messages := world.sqs.receive_message(
        QueueUrl=world.queue_url, MaxNumberOfMessages=size, WaitTimeSeconds=1
    ).get("Messages"):
        records = [
            {"messageId": message["MessageId"], "receiptHandle": message["ReceiptHandle"], "body": message["Body"]}
            for message in messages
        ]
        with redirect_stdout(io.StringIO()) as out:
            answer = worker.run({"Records": records}, now() + timedelta(seconds=60))
        left = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
        for record in records:
            if record["messageId"] not in left:
                world.sqs.delete_message(QueueUrl=world.queue_url, ReceiptHandle=record["receiptHandle"])
        lines += [*out.getvalue().splitlines(), *platform_lines()]
    return lines


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    with engine_of_its_own() as engine:
        for task_type, types in (("experiment", []), ("greet", ["greet"])):
            for size, error_rate in ((1, 0.0), (2, 0.0), (10, 0.0), (1, 0.3), (10, 0.3)):
                target = local_target(engine)
                world = resources.create(target.dynamodb, target.sqs)
                if not error_rate:
                    submitted = submit(world, tasks, size, task_type)
                    report(f"API, type {task_type}, {size} a request", tasks, submitted)
                else:
                    submit(world, tasks, 10, task_type)
                ran = run(world, size, error_rate, types)
                report(f"worker, type {task_type}, batch of {size}, {error_rate:.0%} errors", tasks, ran)
    line = access_line()
    json.loads(line)
    report("access log, a request", 1, [line])


if __name__ == "__main__":
    main()
