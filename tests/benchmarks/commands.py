"""What commands cost, as ratios measured side by side: python tests/benchmarks/commands.py [ROUNDS] [--before CHECKOUT]

On a local engine of its own, whose table has 20,000 tasks. Each command runs in turn with a bare script that makes the
same calls by boto3, or with the AWS CLI if it is installed; with --before, in turn with the same command of another
checkout. Medians of the rounds: seconds of wall time, CPU seconds and peak memory of the process. Aims: `get` at most
1.3, `submit` 1.4 times the script; `info` and `dlq ls` 0.9 times `aws sqs list-queues`; `ls` 90 MB.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from ftask.aws.stack import deployed_stack
from ftask.aws.target import Target
from ftask.core.item import task_to_item
from ftask.core.model import Attempt, Outcome, Status, Task
from ftask.core.timestamps import now
from ftask.local.engine import Engine

FTASK = "from ftask.cli import main; main()"
CHECKOUT = Path(__file__).parents[2]
TASKS = 20_000
BARE = """
import json, sys
import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
endpoint, method, path, body = sys.argv[1:]
session = boto3.Session()
stack = session.client("cloudformation", endpoint_url=endpoint).describe_stacks(StackName="ftask-local")["Stacks"][0]
outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
url = f"{endpoint}/_aws/execute-api/{outputs['ApiId']}/{outputs['ApiStage']}{path}"
request = AWSRequest(method, url, headers={"content-type": "application/json"}, data=body.encode())
SigV4Auth(session.get_credentials().get_frozen_credentials(), "execute-api", session.region_name).add_auth(request)
answer = URLLib3Session().send(request.prepare())
assert answer.status_code in (200, 202), answer.content
print(json.dumps(json.loads(answer.content), indent=2))
"""
# What a list of the newest tasks costs at least: every page of the table, and nothing of it but its number of items.
SCAN = """
import sys
import boto3
endpoint, table = sys.argv[1:]
pages = boto3.client("dynamodb", endpoint_url=endpoint).get_paginator("scan").paginate(TableName=table, Select="COUNT")
print(sum(page["Count"] for page in pages))
"""


@dataclass(frozen=True)
class Cost:
    """What one process took."""

    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float


@dataclass(frozen=True)
class Site:
    """An engine with a deployed stage, and how processes reach it."""

    target: Target
    environment: dict[str, str]

    def run(self, command: Sequence[str], folder: Path = CHECKOUT) -> Cost:
        started = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        assert process.stderr is not None
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, errors.decode()
        return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


@contextmanager
def a_site() -> Iterator[Site]:
    """Yield a stage with a full table, on an engine that ends with the block."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"FTASK_STATE_DIR": folder, "FTASK_CACHE_DIR": f"{folder}/cache"}
        subprocess.run(
            [sys.executable, "-c", FTASK, "deploy", "--yes", "--quiet"], cwd=CHECKOUT, env=environment, check=True
        )
        engine = Engine(Path(folder))
        try:
            running = engine.running()
            assert running is not None
            key = running.root_key
            target = Target.local(running.endpoint_url, key.access_key_id, key.secret_access_key)
            environment |= {
                "AWS_ACCESS_KEY_ID": key.access_key_id,
                "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
                "AWS_DEFAULT_REGION": target.region_name,
            }
            fill(target)
            yield Site(target, environment)
        finally:
            engine.stop()


def fill(target: Target) -> None:
    """Store tasks that were completed in the last hour."""
    client, table, start = target.dynamodb, deployed_stack(target).outputs.table, now() - timedelta(hours=1)

    def put(first: int) -> None:
        requests: Any = [
            {"PutRequest": {"Item": task_to_item(completed(number))}} for number in range(first, first + 25)
        ]
        client.batch_write_item(RequestItems={table: requests})

    def completed(number: int) -> Task:
        at = start + timedelta(milliseconds=100 * number)
        return Task(
            task_id=uuid.uuid4().hex,
            status=Status.COMPLETED,
            payload=f'{{"message":"SUCCESS","order":{number},"note":"{"x" * 60}"}}',
            payload_hash="ab" * 16,
            created_at=at,
            updated_at=at,
            max_attempts=2,
            expires_at=at + timedelta(days=30),
            attempts=1,
            history=(Attempt(1, 0, at, at, Outcome.COMPLETED),),
            result='{"ok":true}',
            completed_at=at,
        )

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(put, range(0, TASKS, 25)))


def compare(title: str, ours: Sequence[Cost], theirs: Sequence[Cost]) -> None:
    wall, other_wall = (1000 * median(cost.wall_seconds for cost in costs) for costs in (ours, theirs))
    cpu, other_cpu = (1000 * median(cost.cpu_seconds for cost in costs) for costs in (ours, theirs))
    peak, other_peak = (median(cost.peak_megabytes for cost in costs) for costs in (ours, theirs))
    print(
        f"{title:<32} wall {wall:5.0f} ms / {other_wall:5.0f} ms = {wall / other_wall:.2f}"
        f"   CPU {cpu:5.0f} / {other_cpu:5.0f} = {cpu / other_cpu:.2f}"
        f"   peak {peak:3.0f} MB / {other_peak:3.0f} MB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("rounds", nargs="?", type=int, default=11)
    parser.add_argument("--before", type=Path, help="another checkout, to compare with")
    options = parser.parse_args()
    with a_site() as site:
        table = deployed_stack(site.target).outputs.table
        endpoint = str(site.target.endpoint_url)
        (item,) = site.target.dynamodb.scan(TableName=table, Limit=1)["Items"]
        task_id = item["taskId"]["S"]
        bare = [sys.executable, "-c", BARE, endpoint]
        aws = shutil.which("aws")
        list_queues = [aws, "sqs", "list-queues", "--endpoint-url", endpoint, "--output", "json"] if aws else None
        cases: list[tuple[str, list[str], list[str] | None]] = [
            ("get -o json", ["get", task_id, "-o", "json"], [*bare, "GET", f"/tasks/{task_id}", ""]),
            (
                "submit -o json",
                ["submit", "-m", "SUCCESS", "-o", "json"],
                [*bare, "POST", "/tasks?type=experiment", '{"message":"SUCCESS"}'],
            ),
            ("info", ["info"], list_queues),
            ("dlq ls", ["dlq", "ls"], list_queues),
            ("ls", ["ls"], [sys.executable, "-c", SCAN, endpoint, table]),
        ]
        for title, words, other in cases:
            command = [sys.executable, "-c", FTASK, *words]
            if options.before is not None:
                turns(site, f"{title} / before", (command, CHECKOUT), (command, options.before), options.rounds)
            elif other is None:
                print(f"{title}: the AWS CLI is not installed")
            else:
                names = {bare[2]: "boto3 script", SCAN: "bare scan"}
                what = names.get(other[2], "aws sqs list-queues")
                turns(site, f"{title} / {what}", (command, CHECKOUT), (other, CHECKOUT), options.rounds)


def turns(
    site: Site, title: str, ours: tuple[Sequence[str], Path], theirs: tuple[Sequence[str], Path], rounds: int
) -> None:
    site.run(*ours)
    site.run(*theirs)
    pairs = [(site.run(*ours), site.run(*theirs)) for _ in range(rounds)]
    compare(title, [pair[0] for pair in pairs], [pair[1] for pair in pairs])


if __name__ == "__main__":
    main()
