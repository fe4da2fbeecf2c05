from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from threading import Lock
from types import SimpleNamespace
from typing import Any, cast
from uuid import uuid4

import pytest

from ftask.aws.stack import DeployedStack
from ftask.aws.stage import Stage
from ftask.aws.target import Target
from ftask.core.item import FAILED_SHARDS
from ftask.core.model import Failure
from ftask.core.timestamps import now
from ftask.ops.top import FAILED_AGE_SECONDS, METRIC_AGE_SECONDS, StageSampler
from tests.support.resources import Resources
from tests.support.stages import failed_task, put_failed

# What one snapshot reads while failed tasks and metrics are fresh.
TICK = {"GetEventSourceMapping": 1, "GetQueueAttributes": 2, "FilterLogEvents": 1}


class Clock:
    """Seconds that pass when a test says so."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def stage(moto_resources: Resources) -> Stage:
    target = Target("local", region="us-east-1", access_key="a", secret_key="b")
    # The tests of a process share the logs.
    group = f"/aws/lambda/worker-{uuid4().hex}"
    target.logs.create_log_group(logGroupName=group)
    target.logs.create_log_stream(logGroupName=group, logStreamName="one")
    outputs = SimpleNamespace(
        table=moto_resources.table,
        queue_url=moto_resources.queue_url,
        dead_letter_queue_url=moto_resources.dead_letter_queue_url,
        worker_function="worker",
        worker_source="01234567-89ab-cdef-0123-456789abcdef",
        worker_log_group=group,
        api_log_group="/aws/lambda/api",
    )
    return Stage(target, cast("DeployedStack", SimpleNamespace(outputs=outputs)))


@pytest.fixture
def requests(stage: Stage) -> Counter[str]:
    """The requests of the stage's clients, by operation."""
    counts: Counter[str] = Counter()
    one_at_a_time = Lock()

    def count(model: Any, **_: Any) -> None:
        with one_at_a_time:
            counts[model.name] += 1

    target = stage.target
    clients: list[Any] = [target.dynamodb, target.sqs, target.logs, target.cloudwatch, target.lambda_]
    for client in clients:
        client.meta.events.register("before-call.*.*", count)
    return counts


def log(stage: Stage, *events: dict[str, Any]) -> None:
    moment = round(now().timestamp() * 1000)
    stage.target.logs.put_log_events(
        logGroupName=stage.outputs.worker_log_group,
        logStreamName="one",
        logEvents=[
            {"timestamp": moment, "message": json.dumps(event | {"taskId": "a" * 32, "type": "send"})}
            for event in events
        ],
    )


def test_a_tick_is_four_requests_and_none_of_them_reads_the_table(stage: Stage, requests: Counter[str]) -> None:
    clock = Clock()
    sampler = StageSampler(stage, clock=clock)
    sampler.snapshot()
    assert requests == TICK | {"GetMetricStatistics": 3, "Query": FAILED_SHARDS}
    requests.clear()
    for _ in range(3):
        clock.seconds += FAILED_AGE_SECONDS / 4
        sampler.snapshot()
    assert requests == {name: 3 * count for name, count in TICK.items()}


def test_what_is_read_less_often_is_read_again_and_says_when_it_was_read(stage: Stage, requests: Counter[str]) -> None:
    clock = Clock()
    sampler = StageSampler(stage, clock=clock)
    first = sampler.snapshot()
    put_failed(stage, failed_task(1, now(), Failure("E", "no")))
    second = sampler.snapshot()
    assert (second.failed, second.failed_at) == (0, first.failed_at)
    assert second.dead_letters == 1
    clock.seconds += FAILED_AGE_SECONDS
    third = sampler.snapshot()
    assert third.failed == 1
    assert third.failed_at > first.failed_at
    assert requests["GetMetricStatistics"] == 3
    clock.seconds += METRIC_AGE_SECONDS
    sampler.snapshot()
    assert requests["GetMetricStatistics"] == 6


def test_counting_many_failed_tasks_takes_a_small_share_of_the_time(stage: Stage, requests: Counter[str]) -> None:
    clock = Clock()

    def one_second(**_: Any) -> None:
        clock.seconds += 1

    stage.target.dynamodb.meta.events.register("before-call.dynamodb.Query", one_second)
    sampler = StageSampler(stage, clock=clock)
    for _ in range(100):
        sampler.snapshot()
        clock.seconds += 2
    # A count takes 8 s here, so the next one begins 160 s after it.
    assert requests["Query"] == 2 * FAILED_SHARDS


def test_attempts_are_counted_since_the_sampler_began(stage: Stage) -> None:
    sampler = StageSampler(stage)
    began = now()
    log(
        stage,
        {"event": "finished", "status": "COMPLETED", "attempt": 1},
        {"event": "finished", "status": "RETRYING", "attempt": 1, "errorType": "ValueError"},
    )
    assert sampler.snapshot().ended.json() | {"since": None} == {
        "since": None,
        "completed": 1,
        "retried": 1,
        "failed": 0,
    }
    log(
        stage,
        {"event": "finished", "status": "COMPLETED", "attempt": 2},
        {"event": "finished", "status": "FAILED", "attempt": 2, "errorType": "ValueError"},
        {"event": "workerLost", "attempt": 2},
    )
    snapshot = sampler.snapshot()
    assert (snapshot.ended.completed, snapshot.ended.retried, snapshot.ended.failed) == (2, 1, 2)
    assert snapshot.ended.since <= began
    assert sorted(failed.final for failed in snapshot.failures) == [False, True, True]


def test_of_one_type_only_its_attempts_and_failed_tasks_are_counted(stage: Stage) -> None:
    put_failed(stage, failed_task(1, now(), Failure("E", "no")))
    put_failed(stage, replace(failed_task(2, now(), Failure("E", "no")), type="send"))
    of_send, of_other = StageSampler(stage, "send"), StageSampler(stage, "other")
    log(stage, {"event": "finished", "status": "COMPLETED", "attempt": 1})
    assert (of_send.snapshot().failed, of_send.snapshot().ended.completed) == (1, 1)
    assert (of_other.snapshot().failed, of_other.snapshot().ended.completed) == (0, 0)
