"""What a task costs in DynamoDB, submitted alone and in a batch: python tests/benchmarks/write_units.py [TASKS]

Submits tasks through the API function's code to a table and queues of a local engine of its own, runs them with the
worker's, and prints the write units and requests of a task as the engine counts them: DynamoDB's rules, by which an
item of up to 1 KB is one unit, in a transaction two, and the index of failed tasks one more.

Then the same with payloads of several sizes, as items of their own and inside of their tasks' items.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from random import Random
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).parents[2]))

from ftask.core import payload_item
from ftask.core.clients import count
from ftask.core.execution import Executor
from ftask.core.metrics import Usage
from ftask.core.model import Delivery
from ftask.core.payload import encode_payload
from ftask.core.payload_item import MAX_INLINE_BYTES
from ftask.core.retry import RetryPolicy
from ftask.core.threads import several_at_once
from ftask.core.timestamps import now
from ftask.core.workload import by_type, simulated
from tests.support import resources
from tests.support.engines import engine_of_its_own, local_target
from tests.support.http import api_over, call

BATCH = 100
PAYLOADS = (100, MAX_INLINE_BYTES, 600, 2 * 1024, 10 * 1024, 256 * 1024)
LARGE_TASKS = 20
RETENTION = timedelta(days=30)


def submit(world: resources.Resources, tasks: int, size: int, payload_bytes: int = 0) -> None:
    payload = {"message": "work"}
    if payload_bytes:
        payload["text"] = "x" * (payload_bytes - len(encode_payload(payload | {"text": ""})))
    api = api_over(world, call_map=several_at_once)
    for start in range(0, tasks, size):
        if size == 1:
            assert call(api, "POST", "/tasks", encode_payload(payload).encode()).status == 202
            continue
        entries = [{"payload": payload} for _ in range(min(size, tasks - start))]
        results = call(api, "POST", "/tasks/batch", {"tasks": entries}).json["results"]
        assert all(result["accepted"] for result in results)


def run(world: resources.Resources, error_rate: float) -> None:
    """Run every task to its end, as a worker does, without pauses between attempts."""
    rng = Random(17)
    executor = Executor(
        store=world.store,
        queue=world.queue,
        dead_letters=world.dead_letters,
        handler=by_type(simulated(error_rate, rng), None),
        clock=now,
        rng=rng,
        policy=RetryPolicy(base_seconds=0),
        budget=timedelta(seconds=1),
        retention=RETENTION,
        observe=lambda _: None,
    )
    while messages := world.sqs.receive_message(
        QueueUrl=world.queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=1
    ).get("Messages"):
        for message in messages:
            delivery = Delivery(message["MessageId"], message["ReceiptHandle"], message["Body"])
            if executor.execute(delivery, now() + timedelta(seconds=60)):
                world.sqs.delete_message(QueueUrl=world.queue_url, ReceiptHandle=delivery.receipt_handle)


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    with engine_of_its_own() as engine:
        target = local_target(engine)
        usage = Usage()
        count(target.dynamodb, usage)
        count(target.sqs, usage)
        for error_rate in (0.0, 0.3):
            for name, size in (("alone", 1), (f"in batches of {BATCH}", BATCH)):
                world = resources.create(target.dynamodb, target.sqs)
                usage.taken()
                submit(world, tasks, size)
                submitted = usage.taken()
                run(world, error_rate)
                units = (submitted["writeUnits"] + usage.taken()["writeUnits"]) / tasks
                requests = sum(submitted["calls"].values()) / tasks
                print(
                    f"{error_rate:.0%} errors, submitted {name}: {units:.2f} write units a task,"
                    f" {requests:.2f} requests to submit it"
                )
        for payload_bytes in PAYLOADS:
            took = {}
            for shape, longest in (("own item", payload_item.MAX_INLINE_BYTES), ("inside", sys.maxsize)):
                with patch.object(payload_item, "MAX_INLINE_BYTES", longest):
                    world = resources.create(target.dynamodb, target.sqs)
                    usage.taken()
                    submit(world, LARGE_TASKS, 1, payload_bytes)
                    run(world, 0.0)
                    took[shape] = usage.taken()
            after, before = (took[shape]["writeUnits"] / LARGE_TASKS for shape in ("own item", "inside"))
            print(
                f"payload of {payload_bytes:,} bytes: {after:.2f} write units, inside of the task's item {before:.2f}"
            )


if __name__ == "__main__":
    main()
