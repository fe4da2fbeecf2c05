"""What a settlement that writes only what differs saves: python tests/benchmarks/settle.py [TASKS] [ROUNDS]

Begins tasks on a local engine of its own and settles them, in turn with a write of every attribute and with one of
those that differ. Prints the CPU time of a settlement in this process and in the engine, and the size of its request;
medians of the rounds, and the median of their ratios.
"""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from ftask.core import transitions
from ftask.core.clients import Clients
from ftask.core.dynamodb import DynamoStore
from ftask.core.metrics import Usage
from ftask.core.model import Message, Task
from ftask.core.ports import Settlement
from ftask.core.timestamps import now
from tests.support import resources
from tests.support.builders import a_task
from tests.support.engines import engine_of_its_own, local_target, running
from tests.support.processes import cpu_ms


class Settled(NamedTuple):
    """CPU milliseconds of one settlement in this process and in the engine, and the bytes of its request."""

    here: float
    engine: float
    request: float


def settle(store: DynamoStore, engine: int, sizes: list[int], tasks: int, *, whole: bool) -> Settled:
    begun: list[Task] = []
    for _ in range(tasks):
        task = a_task(task_id=uuid.uuid4().hex)
        store.put(task)
        _, before = store.begin(Message(task.task_id), "me", now() + timedelta(seconds=20), now(), 9)
        assert before is not None
        begun.append(before)
    sizes.clear()
    here, there = cpu_ms(os.getpid()), cpu_ms(engine)
    for before in begun:
        done = transitions.completed(before, '{"ok":true}', now())
        after = replace(done, expires_at=now() + timedelta(days=30))
        assert store.settle(after, "me", None if whole else before) is Settlement.DONE
    return Settled((cpu_ms(os.getpid()) - here) / tasks, (cpu_ms(engine) - there) / tasks, sum(sizes) / tasks)


def measuring(sizes: list[int]) -> Callable[..., None]:
    def measure(request: Any, **_: Any) -> None:
        sizes.append(len(request.body))

    return measure


def main() -> None:
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    sizes: list[int] = []
    with engine_of_its_own() as engine:
        target = local_target(engine)
        table = resources.create(target.dynamodb, target.sqs).table
        record = running(engine)
        os.environ |= {
            "AWS_ACCESS_KEY_ID": record.root_key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": record.root_key.secret_access_key,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": record.endpoint_url,
        }
        clients = Clients(1, Usage())
        clients.dynamodb().meta.events.register("before-send.dynamodb.UpdateItem", measuring(sizes))
        store = DynamoStore(clients.dynamodb, table)
        pairs = []
        for _ in range(rounds):
            whole = settle(store, record.pid, sizes, tasks, whole=True)
            pairs.append((settle(store, record.pid, sizes, tasks, whole=False), whole))
    for name, unit in (("here", "ms"), ("engine", "ms"), ("request", "bytes")):
        ratios = [(getattr(part, name), getattr(whole, name)) for part, whole in pairs]
        print(
            f"{name}: {median(part for part, _ in ratios):.2f} {unit} / whole"
            f" {median(whole for _, whole in ratios):.2f} {unit} = {median(part / whole for part, whole in ratios):.2f}"
        )


if __name__ == "__main__":
    main()
