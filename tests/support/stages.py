"""A stage of bare resources, for what needs its table and queues and no stack around them."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast

from ftask.aws.stack import DeployedStack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.codec import encode_message
from ftask.core.execution import letter_attributes
from ftask.core.item import task_to_item
from ftask.core.model import Attempt, Failure, Outcome, Status, Task
from ftask.core.payload_item import payload_item_of
from ftask.core.timestamps import now
from tests.support.builders import a_task
from tests.support.resources import Resources


def stage_of(resources: Resources) -> Stage:
    """The stage that has these resources."""
    outputs = SimpleNamespace(
        table=resources.table,
        queue_url=resources.queue_url,
        dead_letter_queue_url=resources.dead_letter_queue_url,
        retention_days=30,
    )
    clients: Any = SimpleNamespace(
        stage_name="local",
        default_stage="local",
        dynamodb=resources.dynamodb,
        sqs=resources.sqs,
        choose=lambda *, aws, emulator: emulator,
    )
    return Stage(cast("Target", clients), cast("DeployedStack", SimpleNamespace(outputs=outputs)))


def failed_task(number: int, at: datetime, error: Failure, payload: str = '{"message":"SUCCESS"}') -> Task:
    """A task that failed in its first epoch."""
    attempt = Attempt(1, 0, at, at, Outcome.FAILED, error)
    return a_task(
        task_id=f"{number:032x}",
        status=Status.FAILED,
        payload=payload,
        payload_item=payload_item_of(payload, at, timedelta(days=30)),
        expires_at=at + timedelta(days=30),
        created_at=at,
        updated_at=at,
        attempts=1,
        last_error=error,
        failed_at=at,
        history=(attempt,),
    )


def put_failed(stage: Stage, task: Task, *, letter: bool = True) -> Task:
    """Store a failed task, with its dead letter unless that is to be missing."""
    if task.payload_item is not None:
        stage.store.put_payload(task)
    stage.target.dynamodb.put_item(TableName=stage.outputs.table, Item=task_to_item(task))
    if letter:
        stage.dead_letters.send(encode_message(task.message), letter_attributes(task))
    return task


def put_failures(stage: Stage, count: int, error: Failure, payload: str = '{"message":"SUCCESS"}') -> list[str]:
    """Store so many tasks that failed just now, with their dead letters; answer their ids, oldest first."""
    at = now() - timedelta(seconds=count)
    return [
        put_failed(stage, failed_task(uuid.uuid4().int, at + timedelta(milliseconds=number), error, payload)).task_id
        for number in range(count)
    ]
