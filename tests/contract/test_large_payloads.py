"""Large payloads are items of their own: written and read as the protocol needs it, and never taken for tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from ftask.actions.drain import DrainFile, drain
from ftask.actions.redrive import redrive
from ftask.aws.concurrency import RateLimiter
from ftask.aws.stage import Stage
from ftask.core.clients import count
from ftask.core.codec import encode_message, message_or_none
from ftask.core.dynamodb import DynamoStore
from ftask.core.execution import Executor
from ftask.core.item import is_task, item_to_task, task_to_item
from ftask.core.metrics import Usage
from ftask.core.model import Delivery, Failure, Message, Removal, RemovalKind, Status, Task
from ftask.core.payload import encode_payload
from ftask.core.payload_item import MAX_INLINE_BYTES, payload_item_id, payload_of_item
from ftask.core.ports import Job
from ftask.core.retry import RetryPolicy
from ftask.core.timestamps import now
from ftask.doctor.checks import checks
from ftask.selection.failed import tasks_by_id
from ftask.selection.filter import TaskFilter
from ftask.selection.scan import newest, scan_tasks
from stack.handlers.api import Api
from tests.support.builders import LARGE_PAYLOAD, TASK_ID, a_large_task, a_task
from tests.support.clock import EPOCH
from tests.support.http import api_over, call
from tests.support.resources import Resources
from tests.support.stages import failed_task, put_failed, stage_of

LARGE = {"message": "SUCCESS", "n": 1234567890123456789012345678901234567890, "f": 0.1, "e": "", "u": "żółć 🎉" * 60}
PAYLOAD_ID = payload_item_id(a_large_task())
RETENTION = timedelta(days=30)
ERROR = Failure("ValueError", "no such order")


@pytest.fixture
def store(backend: Resources) -> DynamoStore:
    return backend.store


@pytest.fixture
def api(backend: Resources) -> Api:
    return api_over(backend)


def items(backend: Resources) -> list[Any]:
    return backend.dynamodb.scan(TableName=backend.table, ConsistentRead=True)["Items"]


def payload_items(backend: Resources) -> list[Any]:
    return [item for item in items(backend) if not is_task(item)]


def expiry(backend: Resources) -> int:
    (item,) = payload_items(backend)
    return int(item["expiresAt"]["N"])


def work(backend: Resources, message: Message) -> list[Any]:
    """Run the task of this message as a worker does; return the payloads that the handler got."""
    payloads: list[Any] = []

    def handle(job: Job) -> None:
        payloads.append(job.payload)

    executor = Executor(
        store=backend.store,
        queue=backend.queue,
        dead_letters=backend.dead_letters,
        handler=handle,
        clock=now,
        rng=Random(1),
        policy=RetryPolicy(),
        budget=timedelta(0),
        retention=RETENTION,
        observe=lambda _: None,
    )
    assert executor.execute(Delivery("m", "r", encode_message(message)), now() + timedelta(seconds=20))
    return payloads


def submitted(api: Api, payload: Any = LARGE, **headers: str) -> str:
    answer = call(api, "POST", "/tasks", payload, **headers)
    assert answer.status == 202
    return str(answer.json["taskId"])


def test_a_task_and_its_payload_are_two_items_and_one_task(store: DynamoStore, backend: Resources) -> None:
    task = a_large_task()
    store.put_payload(task)
    assert store.put(task) is None
    assert stage_of(backend).task(TASK_ID) == task
    read = store.get(TASK_ID)
    assert read == a_large_task(payload=None)
    assert store.with_payload(read) == task
    assert list(store.with_payloads([read, task, a_task()])) == [task, task, a_task()]
    assert {len(json.dumps(item)) > len(LARGE_PAYLOAD) for item in items(backend)} == {True, False}


def test_a_payload_in_its_tasks_item_is_not_read_again() -> None:
    def fail() -> Any:
        raise AssertionError("a request")

    store = DynamoStore(fail, "t")
    assert store.with_payload(a_task()) == a_task()
    assert list(store.with_payloads([a_task()])) == [a_task()]


def test_a_payload_is_no_task_whoever_asks(store: DynamoStore, api: Api, backend: Resources) -> None:
    store.put_payload(a_large_task())
    assert store.get(PAYLOAD_ID) is None
    assert stage_of(backend).task(PAYLOAD_ID) is None
    assert list(store.get_many([PAYLOAD_ID, TASK_ID])) == []
    assert call(api, "GET", f"/tasks/{PAYLOAD_ID.replace('#', '%23')}").status == 404
    assert message_or_none(encode_message(Message(PAYLOAD_ID))) is None


def test_scans_find_tasks_alone(backend: Resources, store: DynamoStore) -> None:
    put_failed(stage_of(backend), failed_task(1, EPOCH, ERROR, LARGE_PAYLOAD))
    for task_filter in (TaskFilter(), TaskFilter(type="experiment"), TaskFilter(since=EPOCH)):
        (task,) = newest(scan_tasks(stage_of(backend), task_filter), 0)
        assert (task.task_id, task.payload) == (f"{1:032x}", None)


def test_a_payload_that_is_written_again_lives_no_shorter(store: DynamoStore, backend: Resources) -> None:
    task = a_large_task()
    assert task.payload_item is not None
    until = task.payload_item.expires_at
    store.put_payload(task)
    for days, lives_until in ((-1, 0), (3, 3), (1, 3)):
        other = replace(task.payload_item, expires_at=until + timedelta(days=days))
        store.put_payload(replace(task, payload_item=other))
        assert expiry(backend) == int((until + timedelta(days=lives_until)).timestamp())
    assert payload_of_item(payload_items(backend)[0]) == LARGE_PAYLOAD


def kept_longer(task: Task, days: int) -> Task:
    assert task.payload_item is not None
    later = replace(task.payload_item, expires_at=task.payload_item.expires_at + timedelta(days=days))
    return replace(task, payload_item=later, expires_at=task.expires_at + timedelta(days=days))


def test_a_failed_task_is_kept_longer_with_its_payload(store: DynamoStore, backend: Resources) -> None:
    task = put_failed(stage_of(backend), failed_task(1, EPOCH, ERROR, LARGE_PAYLOAD))
    before = expiry(backend)
    for _ in range(2):
        store.keep(kept_longer(task, 9))
        assert store.get(task.task_id) == replace(kept_longer(task, 9), payload=None)
        assert expiry(backend) == before + 9 * 86_400
    # Another operator has extended it further: the task may say less than there is, never more.
    store.keep(kept_longer(task, 5))
    assert expiry(backend) == before + 9 * 86_400


def test_a_task_that_moved_on_is_not_kept_and_no_payload_comes_out_of_nothing(
    store: DynamoStore, backend: Resources
) -> None:
    task = a_large_task()
    store.put(task)
    store.keep(kept_longer(task, 9))
    assert store.get(TASK_ID) == replace(task, payload=None)
    failed = failed_task(1, EPOCH, ERROR, LARGE_PAYLOAD)
    backend.dynamodb.put_item(TableName=backend.table, Item=task_to_item(failed))
    store.keep(replace(kept_longer(failed, 9), epoch=1))
    assert store.get(failed.task_id) == replace(failed, payload=None)
    assert payload_items(backend) == []


def test_a_task_with_its_payload_in_its_item_is_kept_longer(store: DynamoStore, backend: Resources) -> None:
    task = put_failed(stage_of(backend), failed_task(1, EPOCH, ERROR))
    later = replace(task, expires_at=task.expires_at + timedelta(days=9))
    store.keep(later)
    assert store.get(task.task_id) == later


def test_a_submitted_payload_is_shown_and_run_as_it_was(api: Api, backend: Resources) -> None:
    task_id = submitted(api)
    assert call(api, "GET", f"/tasks/{task_id}").json["payload"] == LARGE
    task = backend.store.get(task_id)
    assert task is not None
    assert work(backend, task.message) == [LARGE]
    read = call(api, "GET", f"/tasks/{task_id}").json
    assert (read["status"], read["payload"]) == ("COMPLETED", LARGE)


@pytest.mark.engine  # moto answers one unit for each write
@pytest.mark.parametrize(("payload_bytes", "units"), [(512, 3), (10 * 1024, 14), (256 * 1024, 260)])
def test_a_payload_is_paid_for_once(engine_resources: Resources, payload_bytes: int, units: int) -> None:
    usage = Usage()
    count(engine_resources.dynamodb, usage)
    payload = {"t": "x" * (payload_bytes - len(encode_payload({"t": ""})))}
    task_id = submitted(api_over(engine_resources), encode_payload(payload).encode())
    assert work(engine_resources, Message(task_id)) == [payload]
    assert usage.taken()["writeUnits"] == units


@pytest.mark.parametrize(("length", "written"), [(MAX_INLINE_BYTES, 1), (MAX_INLINE_BYTES + 1, 2)])
def test_the_longest_payload_inside_of_its_tasks_item(backend: Resources, length: int, written: int) -> None:
    payload = {"t": "x" * (length - len(encode_payload({"t": ""})))}
    submitted(api_over(backend), payload)
    assert len(items(backend)) == written


def test_two_payloads_with_one_key_are_two_items(api: Api, backend: Resources) -> None:
    task_id = submitted(api, idempotency_key="k")
    assert submitted(api, idempotency_key="k") == task_id
    other = LARGE | {"n": 2}
    assert call(api, "POST", "/tasks", other, idempotency_key="k").status == 422
    (result,) = call(
        api, "POST", "/tasks/batch", {"tasks": [{"payload": LARGE | {"n": 3}, "idempotencyKey": "k"}]}
    ).json["results"]
    assert result["problem"]["status"] == 422
    assert len(payload_items(backend)) == 3
    assert call(api, "GET", f"/tasks/{task_id}").json["payload"] == LARGE


class DeadQueue:
    """A queue that takes nothing."""

    def send(self, message: Message) -> None:
        raise EndpointConnectionError(endpoint_url="sqs")


def test_the_payload_of_a_task_that_was_not_accepted_expires(api: Api, backend: Resources) -> None:
    queue: Any = DeadQueue()
    api = replace(api, submitter=replace(api.submitter, queue=queue))
    assert call(api, "POST", "/tasks", LARGE).status == 503
    (item,) = items(backend)
    assert not is_task(item)
    assert expiry(backend) - now().timestamp() < timedelta(days=47).total_seconds()


def test_a_batch_mixes_large_and_small_payloads(api: Api, backend: Resources) -> None:
    payloads: list[Any] = [LARGE | {"n": number} if number % 2 else {"n": number} for number in range(20)]
    results = call(api, "POST", "/tasks/batch", {"tasks": [{"payload": payload} for payload in payloads]}).json
    ids = [result["taskId"] for result in results["results"]]
    tasks = tasks_by_id(stage_of(backend), ids)
    assert [json.loads(tasks[task_id].payload or "") for task_id in ids] == payloads


@pytest.mark.parametrize("reordered", [False, True])
def test_a_task_that_is_submitted_again_late_keeps_its_payload_as_long(
    api: Api, backend: Resources, reordered: bool
) -> None:
    task_id = submitted(api, idempotency_key="k")
    stored = backend.store.get(task_id)
    assert stored is not None
    assert stored.payload_item is not None
    sooner = replace(stored.payload_item, expires_at=now() + timedelta(days=2))
    assert backend.store.prolong(replace(stored, payload_item=sooner, expires_at=now() + timedelta(days=2)))
    submitted(api, dict(reversed(LARGE.items())) if reordered else LARGE, idempotency_key="k")
    again = backend.store.get(task_id)
    assert again is not None
    assert again.payload_item is not None
    assert again.expires_at - now() > timedelta(days=29)
    assert again.payload_item.expires_at - again.expires_at > timedelta(days=15)
    assert (again.payload_item.digest != stored.payload_item.digest) is reordered
    assert work(backend, again.message) == [LARGE]


def test_a_late_request_for_another_payload_leaves_the_task_its_own(api: Api, backend: Resources) -> None:
    task_id = submitted(api, idempotency_key="k")
    stored = backend.store.get(task_id)
    assert stored is not None
    assert backend.store.prolong(replace(stored, expires_at=now() + timedelta(days=2)))
    other = {"payload": LARGE | {"n": 3}, "idempotencyKey": "k"}
    (result,) = call(api, "POST", "/tasks/batch", {"tasks": [other]}).json["results"]
    assert result["problem"]["status"] == 422
    assert work(backend, stored.message) == [LARGE]


def test_a_payload_that_was_deleted_fails_its_task_at_once_and_says_so(api: Api, backend: Resources) -> None:
    task_id = submitted(api)
    (item,) = payload_items(backend)
    backend.dynamodb.delete_item(TableName=backend.table, Key={"taskId": item["taskId"]})
    task = backend.store.get(task_id)
    assert task is not None
    assert work(backend, task.message) == []
    read = call(api, "GET", f"/tasks/{task_id}").json
    assert (read["status"], read["attempts"], read["lastError"]["type"]) == ("FAILED", 1, "PayloadMissing")
    assert "Submit the work again" in read["lastError"]["message"]
    assert "payload" not in read


@pytest.mark.parametrize("shape", ["inline", "own item"])
def test_tasks_of_earlier_releases_run_with_their_payload_where_it_is(backend: Resources, shape: str) -> None:
    task = a_task(payload=LARGE_PAYLOAD) if shape == "inline" else a_large_task()
    if task.payload_item is not None:
        backend.store.put_payload(task)
    backend.store.put(task)
    assert len(items(backend)) == (1 if shape == "inline" else 2)
    assert work(backend, task.message) == [json.loads(LARGE_PAYLOAD)]
    ended = backend.store.get(TASK_ID)
    assert ended is not None
    assert ended.status is Status.COMPLETED
    assert ended.payload == (LARGE_PAYLOAD if shape == "inline" else None)


@pytest.fixture
def stage(backend: Resources) -> Stage:
    return stage_of(backend)


def test_a_redrive_soon_after_the_submission_does_not_touch_the_payload(stage: Stage, backend: Resources) -> None:
    task = put_failed(stage, failed_task(1, now() - timedelta(days=1), ERROR, LARGE_PAYLOAD))
    before = expiry(backend)
    list(redrive(stage, TaskFilter(), RateLimiter(0)))
    redriven = stage.store.get(task.task_id)
    assert redriven is not None
    assert redriven.status is Status.PENDING
    assert expiry(backend) == before
    assert work(backend, redriven.message) == [json.loads(LARGE_PAYLOAD)]


def test_a_late_redrive_makes_the_payload_outlive_the_task(stage: Stage, backend: Resources) -> None:
    task = put_failed(stage, failed_task(1, now() - timedelta(days=29), ERROR, LARGE_PAYLOAD), letter=False)
    list(redrive(stage, TaskFilter(), RateLimiter(0)))
    redriven = stage.store.get(task.task_id)
    assert redriven is not None
    assert redriven.payload_item is not None
    assert expiry(backend) == int(redriven.payload_item.expires_at.timestamp())
    assert redriven.payload_item.expires_at - redriven.expires_at > timedelta(days=15)
    (message,) = backend.sqs.receive_message(QueueUrl=backend.queue_url)["Messages"]
    assert message["Body"] == encode_message(redriven.message)
    assert work(backend, redriven.message) == [json.loads(LARGE_PAYLOAD)]


def test_a_drained_file_has_the_payloads_and_can_be_submitted(stage: Stage, tmp_path: Path) -> None:
    put_failed(stage, failed_task(1, EPOCH, ERROR, LARGE_PAYLOAD))
    put_failed(stage, failed_task(2, EPOCH, ERROR))
    file = DrainFile(tmp_path / "letters.jsonl")
    list(drain(stage, file, lambda: Removal(RemovalKind.DRAINED, EPOCH, "an operator")))
    file.close()
    lines = map(json.loads, (tmp_path / "letters.jsonl").read_text().splitlines())
    assert {line["taskId"]: line["payload"] for line in lines} == {
        f"{1:032x}": json.loads(LARGE_PAYLOAD),
        f"{2:032x}": {"message": "SUCCESS"},
    }


def test_doctor_sends_messages_and_letters_that_earlier_releases_leave(
    stage: Stage, backend: Resources, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ftask.ops.consumption.state", lambda _: "Enabled")
    backend.store.put(a_large_task())
    put_failed(stage, failed_task(1, now(), ERROR, LARGE_PAYLOAD), letter=False)
    for name in ("tasks", "dead letters"):
        (finding,) = checks(lambda: None)[name](stage)
        assert finding.fix is not None
        finding.fix()
    for url in (backend.queue_url, backend.dead_letter_queue_url):
        (message,) = backend.sqs.receive_message(QueueUrl=url)["Messages"]
        assert json.loads(message["Body"])["v"] == 2


def test_a_tasks_item_without_its_payload_is_read_as_it_is() -> None:
    assert "payload" not in task_to_item(a_large_task())
    assert item_to_task(task_to_item(a_large_task())) == a_large_task(payload=None)
