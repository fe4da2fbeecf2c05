"""Work on a stage while no attempt runs, against every implementation of the AWS APIs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from ftask.aws.stack import DeployedStack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.item import task_to_item
from ftask.core.model import Message, Status
from ftask.core.timestamps import now
from ftask.ops.consumption import DISABLED, ENABLED, while_no_attempt_runs
from tests.support.builders import a_task
from tests.support.clock import VirtualTime
from tests.support.resources import Resources
from tests.support.stages import stage_of

WORKER_TIMEOUT = 2


class Mapping:
    """Lambda's event source mapping: it changes at once."""

    def __init__(self, state: str) -> None:
        self.state = state

    def get_event_source_mapping(self, **_: Any) -> Any:
        return {"State": self.state}

    def update_event_source_mapping(self, *, Enabled: bool, **_: Any) -> None:  # noqa: N803 - as boto3 calls it
        self.state = ENABLED if Enabled else DISABLED


class World:
    """A stage with a mapping and messages that a worker has received."""

    def __init__(self, resources: Resources, state: str = ENABLED) -> None:
        self.mapping = Mapping(state)
        self.time = VirtualTime()
        self.seen: list[int] = []
        stage = stage_of(resources)
        target: Any = SimpleNamespace(**vars(stage.target), lambda_=self.mapping)
        outputs = SimpleNamespace(**vars(stage.outputs), worker_source="mapping")
        stack = SimpleNamespace(outputs=outputs, parameters={"WorkerTimeout": str(WORKER_TIMEOUT)})
        self.stage = Stage(cast("Target", target), cast("DeployedStack", stack))

    def receive(self, task_id: str, **fields: Any) -> str:
        """Store a task whose message is with a worker; return its receipt."""
        task = replace(a_task(task_id=task_id), **fields)
        self.stage.target.dynamodb.put_item(TableName=self.stage.outputs.table, Item=task_to_item(task))
        self.stage.queue.send(Message(task_id))
        queue_url = self.stage.outputs.queue_url
        (message,) = self.stage.target.sqs.receive_message(QueueUrl=queue_url)["Messages"]
        return message["ReceiptHandle"]

    def acknowledge(self, receipt: str) -> None:
        self.stage.target.sqs.delete_message(QueueUrl=self.stage.outputs.queue_url, ReceiptHandle=receipt)

    @contextmanager
    def paused(self, *receipts: str) -> Iterator[None]:
        """The block of work; at the second look, the attempts of `receipts` have ended."""

        def waiting(attempts: int) -> None:
            self.seen.append(attempts)
            if len(self.seen) == 2:
                for receipt in receipts:
                    self.acknowledge(receipt)

        with while_no_attempt_runs(self.stage, waiting, clock=self.time.clock, sleep=self.time.sleep):
            yield


def test_consumption_is_paused_during_the_work_and_resumed_after_it(backend: Resources) -> None:
    world = World(backend)
    with world.paused():
        assert world.mapping.state == DISABLED
    assert world.mapping.state == ENABLED
    assert world.seen == []


def test_the_work_waits_for_the_attempts_that_run_and_for_no_backoff(backend: Resources) -> None:
    world = World(backend)
    world.receive("a" * 32, status=Status.RETRYING, next_attempt_at=now() + timedelta(minutes=5))
    receipts = [world.receive("b" * 32, status=Status.PROCESSING), world.receive("c" * 32)]
    with world.paused(*receipts):
        assert world.seen == [2, 2]


def test_an_attempt_that_never_ends_holds_the_work_back_for_the_workers_timeout(backend: Resources) -> None:
    world = World(backend)
    world.receive("b" * 32, status=Status.PROCESSING)
    with world.paused():
        assert WORKER_TIMEOUT <= sum(world.time.pauses) < WORKER_TIMEOUT + 10


def test_work_that_fails_leaves_a_stage_that_consumes(backend: Resources) -> None:
    world = World(backend)
    with pytest.raises(KeyboardInterrupt), world.paused():
        raise KeyboardInterrupt
    assert world.mapping.state == ENABLED


def test_a_stage_that_an_operator_has_paused_stays_paused(backend: Resources) -> None:
    world = World(backend, DISABLED)
    with world.paused():
        pass
    assert world.mapping.state == DISABLED
