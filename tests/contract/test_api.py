"""The API: what each route answers, over every backend."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from ftask.core.clients import count
from ftask.core.events import Event, EventName
from ftask.core.manifest import Argument, Options, TaskType
from ftask.core.metrics import Meter, Usage
from ftask.core.model import Failure, Message, Status, Task
from ftask.core.sqs import SqsQueue
from ftask.core.threads import several_at_once
from ftask.core.timestamps import now
from stack.handlers.api import MAX_ANSWER_BYTES, OPENAPI, Api
from tests.support.builders import a_task
from tests.support.clock import EPOCH
from tests.support.http import Answered, api_over, call, event_of
from tests.support.resources import Resources
from tests.support.stages import failed_task, put_failed, stage_of


@pytest.fixture
def api(backend: Resources) -> Api:
    return api_over(backend)


def task(payload: Any = None, **fields: Any) -> dict[str, Any]:
    return {"payload": {"message": "SUCCESS"} if payload is None else payload, **fields}


def queued(resources: Resources) -> int:
    attributes = resources.sqs.get_queue_attributes(QueueUrl=resources.queue_url, AttributeNames=["All"])["Attributes"]
    return int(attributes["ApproximateNumberOfMessages"])


def assert_problem(answer: Answered, status: int, says: str) -> None:
    assert answer.status == answer.json["status"] == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json["detail"]


def test_a_task_is_accepted_and_can_be_read_where_the_answer_says(api: Api) -> None:
    answer = call(api, "POST", "/tasks", {"message": "SUCCESS"})
    assert answer.status == 202
    assert answer.headers["location"] == f"tasks/{answer.json['taskId']}"
    read = call(api, "GET", f"/{answer.headers['location']}")
    assert (read.status, read.json["status"], read.json["payload"]) == (200, "PENDING", {"message": "SUCCESS"})


@pytest.mark.parametrize(
    ("body", "headers", "status", "says"),
    [
        (b"{", {}, 400, "not JSON"),
        (b"[1]", {}, 400, "an array, not an object"),
        (b"\xff", {}, 400, "not UTF-8"),
        (b"", {}, 400, "not JSON"),
        (b'{"a": NaN}', {}, 400, "NaN"),
        (json.dumps({"a": "x" * 300_000}).encode(), {}, 413, "262,144"),
        (b"{}", {"content_type": "text/plain"}, 415, "content-type: application/json"),
        (b"{}", {"idempotency_key": ""}, 400, "1 to 256"),
        (b"{}", {"idempotency_key": "\u00e9"}, 400, "printable ASCII"),
    ],
)
def test_what_is_no_task_is_refused(
    moto_resources: Resources, body: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    assert_problem(call(api_over(moto_resources), "POST", "/tasks", body, **headers), status, says)
    assert queued(moto_resources) == 0


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"])
def test_any_json_media_type_will_do(moto_resources: Resources, content_type: str) -> None:
    assert call(api_over(moto_resources), "POST", "/tasks", {}, content_type=content_type).status == 202


def test_a_key_names_one_task(api: Api) -> None:
    first = call(api, "POST", "/tasks", {"n": 1}, idempotency_key="k")
    assert call(api, "POST", "/tasks", {"n": 1}, idempotency_key="k").json == first.json
    assert_problem(call(api, "POST", "/tasks", {"n": 2}, idempotency_key="k"), 422, "another payload")


SEND = TaskType("send", (Argument("to"), Argument("note", required=False)), options=Options(max_attempts=5))
TICK = TaskType("tick", is_default=True)


@pytest.fixture
def typed(backend: Resources) -> Api:
    """The API of a deployment with two types of its own."""
    return api_over(backend, types=(SEND, TICK))


def test_a_task_is_of_the_type_that_the_query_names_and_has_its_attempts(typed: Api) -> None:
    answer = call(typed, "POST", "/tasks?type=send", {"to": "a@b.c"})
    assert (answer.status, answer.json["type"], answer.json["status"]) == (202, "send", "PENDING")
    assert list(answer.json) == ["taskId", "type", "status", "createdAt"]
    read = call(typed, "GET", f"/{answer.headers['location']}").json
    assert (read["type"], read["maxAttempts"]) == ("send", 5)


def test_a_task_that_names_no_type_is_of_the_default_type(api: Api, typed: Api) -> None:
    assert call(typed, "POST", "/tasks", {}).json["type"] == "tick"
    assert call(typed, "POST", "/tasks?type=experiment", {"message": "SUCCESS"}).json["type"] == "experiment"
    answer = call(api, "POST", "/tasks", {"message": "SUCCESS"})
    assert answer.json["type"] == "experiment"
    assert call(api, "GET", f"/{answer.headers['location']}").json["maxAttempts"] == 2


@pytest.mark.parametrize(
    ("query", "payload", "status", "says"),
    [
        ("?type=sned", {}, 422, "Unknown task type 'sned'. Types: send, tick, experiment."),
        ("?type=", {}, 422, "Unknown task type ''."),
        ("?type=send", {}, 422, "Task type send: missing argument 'to'. Arguments: to, note (optional)."),
        ("?type=send", {"to": 1, "x": 2}, 422, "Task type send: unknown argument 'x'."),
        ("", {"x": 2}, 422, "Task type tick: unknown argument 'x'. It takes no arguments."),
        (
            "?typ=send",
            {"to": 1},
            400,
            "Unknown query parameter 'typ'. Supported: type, delay, at, group, tags, unique, uniqueKey.",
        ),
    ],
)
def test_a_task_that_does_not_fit_its_type_is_refused_with_what_would(
    moto_resources: Resources, query: str, payload: Any, status: int, says: str
) -> None:
    typed = api_over(moto_resources, types=(SEND, TICK))
    assert_problem(call(typed, "POST", f"/tasks{query}", payload), status, says)
    assert queued(moto_resources) == 0


def test_without_a_default_a_task_must_name_its_type(moto_resources: Resources) -> None:
    answer = call(api_over(moto_resources, types=(SEND,)), "POST", "/tasks", {"to": 1})
    assert_problem(answer, 422, "The task has no type, and no type is declared default=True. Types: send, experiment.")


def test_a_key_names_one_task_of_one_type(typed: Api) -> None:
    first = call(typed, "POST", "/tasks?type=tick", {}, idempotency_key="k")
    assert call(typed, "POST", "/tasks", {}, idempotency_key="k").json == first.json
    answer = call(typed, "POST", "/tasks?type=experiment", {}, idempotency_key="k")
    assert_problem(answer, 422, "which is of another type: tick.")


def test_each_task_of_a_batch_has_its_type(typed: Api, backend: Resources) -> None:
    tasks = [
        task({"to": 1}, type="send", idempotencyKey="a"),
        task({}),
        task({"message": "ERROR"}, type="experiment"),
        task({}, type="send"),
        task({}, type="sned"),
        task({}, type=4),
        task({"to": 1}, type="experiment", idempotencyKey="a"),
        task({"to": 1}, typ="send"),
    ]
    results = call(typed, "POST", "/tasks/batch", {"tasks": tasks}).json["results"]
    assert [result.get("type") for result in results[:3]] == ["send", "tick", "experiment"]
    assert [call(typed, "GET", f"/tasks/{result['taskId']}").json["maxAttempts"] for result in results[:3]] == [5, 2, 2]
    problems = [result["problem"] for result in results[3:]]
    assert [problem["status"] for problem in problems] == [422, 422, 400, 422, 400]
    details = [problem["detail"] for problem in problems]
    assert details[0].startswith("Task type send: missing argument 'to'.")
    assert details[1] == "Unknown task type 'sned'. Types: send, tick, experiment."
    assert details[2] == "Invalid type: expected a string."
    assert details[3].startswith("The idempotency key belongs to task")
    supported = "payload, idempotencyKey, type, delay, at, group, tags, unique, uniqueKey"
    assert details[4] == f"Unknown field 'typ' of a task. Supported: {supported}."
    assert queued(backend) == 3


def test_a_batch_has_one_result_a_task_in_order(api: Api, backend: Resources) -> None:
    answer = call(
        api,
        "POST",
        "/tasks/batch",
        {
            "tasks": [
                task({"n": 0}, idempotencyKey="a"),
                task({"n": 1}),
                task(payload=[]),
                task({"n": 0}, idempotencyKey="a"),
                task({"n": 9}, idempotencyKey="a"),
                task({"n": 2}, idempotencyKey="\n"),
                task({"big": "x" * 300_000}),
                task({"n": 3}, idempotencykey="misspelt"),
                task({"n": 4}, idempotencyKey=4),
            ]
        },
    )
    assert answer.status == 202
    results = answer.json["results"]
    assert [result["accepted"] for result in results] == [True, True, False, True, False, False, False, False, False]
    problems = [result["problem"]["status"] for result in results if not result["accepted"]]
    assert problems == [400, 422, 400, 413, 400, 400]
    assert results[0]["taskId"] == results[3]["taskId"] != results[1]["taskId"]
    for result, payload in ((results[0], {"n": 0}), (results[1], {"n": 1})):
        assert call(api, "GET", f"/tasks/{result['taskId']}").json["payload"] == payload
    assert queued(backend) == 2


def test_a_batch_that_is_sent_again_makes_no_second_task(api: Api, backend: Resources) -> None:
    tasks = [task({"n": number}, idempotencyKey=f"key {number}") for number in range(25)]
    first = call(api, "POST", "/tasks/batch", {"tasks": tasks[:20]}).json["results"]
    second = call(api, "POST", "/tasks/batch", {"tasks": tasks}).json["results"]
    assert second[:20] == first
    assert len({result["taskId"] for result in second}) == 25


@pytest.mark.parametrize("tasks", [[], [task()] * 101, {}, None, "tasks"])
def test_a_batch_is_a_list_of_one_to_a_hundred(moto_resources: Resources, tasks: Any) -> None:
    assert_problem(call(api_over(moto_resources), "POST", "/tasks/batch", {"tasks": tasks}), 400, "1 to 100")


def test_a_batch_has_its_own_limit(moto_resources: Resources) -> None:
    tasks = [task({"x": "x" * 200_000})] * 17
    assert_problem(call(api_over(moto_resources), "POST", "/tasks/batch", {"tasks": tasks}), 413, "3,145,728")


def test_a_batch_whose_numbers_grow_when_they_are_stored_is_accepted(moto_resources: Resources) -> None:
    # 1.05 MB as sent, 3.9 MB as stored; each task for itself is small enough.
    payload = "[" + ",".join(["1e15"] * 10_500) + "]"
    body = '{"tasks": [' + ",".join(f'{{"payload": {{"n": {payload}}}}}' for _ in range(20)) + "]}"
    answer = call(api_over(moto_resources), "POST", "/tasks/batch", body.encode())
    assert [result["accepted"] for result in answer.json["results"]] == [True] * 20


@pytest.mark.parametrize("key", ["order-1 ", " order-1", " "])
def test_a_key_that_a_header_cannot_carry_is_refused_in_a_batch_too(moto_resources: Resources, key: str) -> None:
    api = api_over(moto_resources)
    (result,) = call(api, "POST", "/tasks/batch", {"tasks": [task(idempotencyKey=key)]}).json["results"]
    assert result["problem"]["status"] == 400
    assert "begins or ends with a space" in result["problem"]["detail"]
    assert queued(moto_resources) == 0


def counting(resources: Resources) -> Usage:
    """The requests and capacity units of this backend from now on."""
    usage = Usage()
    count(resources.dynamodb, usage)
    count(resources.sqs, usage)
    return usage


def test_a_task_of_a_batch_takes_one_write_unit_and_a_tenth_of_a_message_request(backend: Resources) -> None:
    usage = counting(backend)
    tasks = [task(idempotencyKey=str(number)) for number in range(100)]
    assert call(api_over(backend, call_map=several_at_once), "POST", "/tasks/batch", {"tasks": tasks}).status == 202
    taken = usage.taken()
    assert taken["calls"] == {"dynamodb.PutItem": 100, "sqs.SendMessageBatch": 10}
    assert taken["writeUnits"] == 100


class ThrottledTable:
    """A table that refuses the puts of these tasks, by their payload."""

    def __init__(self, store: Any, *payloads: str) -> None:
        self._store = store
        self._payloads = payloads

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put(self, new: Task) -> Task | None:
        if new.payload in self._payloads:
            raise ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutItem")
        stored: Task | None = self._store.put(new)
        return stored


def test_a_task_that_the_table_throttles_is_a_503_of_its_own_and_keeps_no_other_back(backend: Resources) -> None:
    api = api_over(backend, call_map=several_at_once)
    store: Any = ThrottledTable(backend.store, '{"n":1}', '{"n":3}')
    logged: list[Event] = []
    api = Api(
        store,
        replace(api.submitter, store=store),
        api.failed,
        Meter("ftask-test", Usage(), write=logged.append),
    )
    answer = call(api, "POST", "/tasks/batch", {"tasks": [task({"n": number}) for number in range(5)]})
    assert answer.status == 202
    results = answer.json["results"]
    assert [result["accepted"] for result in results] == [True, False, True, False, True]
    assert results[1]["problem"]["status"] == 503
    assert results[1]["problem"]["retryAfter"] == 2
    assert results[1]["problem"]["detail"] == "The task could not be stored and was not accepted. Send it again."
    assert [event.name for event in logged].count(EventName.INFRASTRUCTURE_FAILED) == 1
    assert queued(backend) == backend.dynamodb.scan(TableName=backend.table, Select="COUNT")["Count"] == 3


def test_a_batch_that_the_table_refuses_whole_is_a_503_of_the_request(backend: Resources) -> None:
    api = api_over(backend)
    store: Any = ThrottledTable(backend.store, '{"n":1}')
    api = Api(store, replace(api.submitter, store=store), api.failed, api.meter)
    answer = call(api, "POST", "/tasks/batch", {"tasks": [task({"n": 1}), task({"n": 1})]})
    assert_problem(answer, 503, "nothing was accepted. Send it again.")
    assert answer.headers["retry-after"] == str(answer.json["retryAfter"]) == "2"


def test_a_batch_that_has_no_time_left_stores_nothing_and_says_so(backend: Resources) -> None:
    api = api_over(backend)
    event = event_of("POST", "/tasks/batch", body=json.dumps({"tasks": [task(), task()]}).encode())
    results = json.loads(api.answer(event, now() + timedelta(seconds=19))["body"])["results"]
    assert {result["problem"]["status"] for result in results} == {503}
    assert "no time left for the task, which was not accepted" in results[0]["problem"]["detail"]
    assert queued(backend) == backend.dynamodb.scan(TableName=backend.table, Select="COUNT")["Count"] == 0
    results = json.loads(api.answer(event, now() + timedelta(seconds=29))["body"])["results"]
    assert [result["accepted"] for result in results] == [True, True]


class HalfAQueue:
    """A queue that takes every second message of a request, or fails after the first request."""

    def __init__(self, inner: Any, how: str) -> None:
        self._inner = inner
        self._how = how
        self._requests = 0

    def send_many(self, messages: list[Message]) -> list[Message]:
        self._requests += 1
        if self._how == "fails later" and self._requests > 1:
            raise EndpointConnectionError(endpoint_url="sqs")
        sent: list[Message] = self._inner.send_many(messages[::2] if self._how == "takes half" else messages)
        return sent


@pytest.mark.parametrize(("how", "accepted"), [("takes half", 10), ("fails later", 10)])
def test_what_could_not_be_queued_is_not_accepted_and_leaves_nothing(
    backend: Resources, how: str, accepted: int
) -> None:
    api = api_over(backend)
    queue: Any = HalfAQueue(backend.queue, how)
    api = Api(api.store, type(api.submitter)(backend.store, queue, *_rest(api)), api.failed, api.meter)
    results = call(api, "POST", "/tasks/batch", {"tasks": [task()] * 20}).json["results"]
    assert sum(result["accepted"] for result in results) == queued(backend) == accepted
    assert {result["problem"]["status"] for result in results if not result["accepted"]} == {503}
    assert backend.dynamodb.scan(TableName=backend.table, Select="COUNT")["Count"] == accepted


class LostAnswers:
    """A queue that takes every message and loses the answer; `then` happens before the client knows."""

    def __init__(self, inner: Any, then: Callable[[Message], object]) -> None:
        self._inner = inner
        self._then = then

    def send(self, message: Message) -> None:
        self.send_many([message])

    def send_many(self, messages: list[Message]) -> list[Message]:
        self._inner.send_many(messages)
        for message in messages:
            self._then(message)
        raise EndpointConnectionError(endpoint_url="sqs")


def losing_answers(
    resources: Resources, then: Callable[[Message], object] = lambda _: None, table_is_down: bool = False
) -> Api:
    api = api_over(resources)
    queue: Any = LostAnswers(resources.queue, then)
    store: Any = resources.store
    if table_is_down:

        def withdraw(_: str) -> None:
            raise EndpointConnectionError(endpoint_url="dynamodb")

        store.withdraw = withdraw
    return Api(store, type(api.submitter)(store, queue, *_rest(api)), api.failed, api.meter)


def begin(resources: Resources) -> Callable[[Message], object]:
    return lambda message: resources.store.begin(message, "a worker", now() + timedelta(seconds=20), now())


def test_a_task_that_a_worker_has_begun_is_accepted_though_the_queue_did_not_answer(backend: Resources) -> None:
    api = losing_answers(backend, begin(backend))
    answer = call(api, "POST", "/tasks", {"message": "SUCCESS"})
    assert (answer.status, answer.json["status"]) == (202, "PROCESSING")
    results = call(api, "POST", "/tasks/batch", {"tasks": [task(), task()]}).json["results"]
    assert [result["accepted"] for result in results] == [True, True]


def test_a_task_that_could_be_taken_back_was_not_accepted(backend: Resources) -> None:
    api = losing_answers(backend)
    for url, body in (("/tasks", {}), ("/tasks/batch", {"tasks": [task(), task()]})):
        assert_problem(call(api, "POST", url, body), 503, "was accepted" if "batch" in url else "was not accepted")
    assert backend.dynamodb.scan(TableName=backend.table, Select="COUNT")["Count"] == 0


@pytest.mark.parametrize(
    ("url", "body", "key", "says"),
    [
        ("/tasks", {}, {}, "it is not known whether the task was accepted. Sent again it may run twice"),
        ("/tasks", {}, {"idempotency_key": "k"}, "Send it again with the same idempotency key: it stays one task."),
        ("/tasks/batch", {"tasks": [task(), task()]}, {}, "it is not known which tasks of the batch were accepted."),
    ],
)
def test_where_nothing_can_be_known_the_answer_says_so(
    moto_resources: Resources, url: str, body: Any, key: dict[str, str], says: str
) -> None:
    answer = call(losing_answers(moto_resources, table_is_down=True), "POST", url, body, **key)
    assert_problem(answer, 503, says)
    assert answer.headers["retry-after"] == "2"


def test_a_task_that_is_submitted_again_late_lives_as_long_as_a_new_one(backend: Resources) -> None:
    api = api_over(backend)
    task_id = call(api, "POST", "/tasks", {}, idempotency_key="k").json["taskId"]
    stored = backend.store.get(task_id)
    assert stored is not None
    for url, body, key in (
        ("/tasks", {}, {"idempotency_key": "k"}),
        ("/tasks/batch", {"tasks": [task({}, idempotencyKey="k")]}, {}),
    ):
        assert backend.store.prolong(replace(stored, expires_at=now() + timedelta(hours=1)))
        assert call(api, "POST", url, body, **key).status == 202
        again = backend.store.get(task_id)
        assert again is not None
        assert again.expires_at - now() > timedelta(days=29)
        assert replace(again, expires_at=stored.expires_at) == stored


def _rest(api: Api) -> tuple[Any, ...]:
    submitter = api.submitter
    return submitter.clock, submitter.max_attempts, submitter.retention


def test_an_outage_is_a_503_that_says_when_to_come_back(moto_resources: Resources) -> None:
    api = api_over(moto_resources)

    class Down:
        def __getattr__(self, name: str) -> Any:
            def fail(*_: Any, **__: Any) -> Any:
                raise ClientError({"Error": {"Code": "InternalServerError", "Message": "down"}}, name)

            return fail

    down: Any = Down()
    api = Api(down, type(api.submitter)(down, down, *_rest(api)), down, api.meter)
    for method, url, body in (
        ("POST", "/tasks", {}),
        ("POST", "/tasks/batch", {"tasks": [task()]}),
        ("GET", f"/tasks/{'0' * 32}", None),
        ("GET", "/tasks?status=FAILED", None),
    ):
        answer = call(api, method, url, body)
        assert_problem(answer, 503, "Send it again")
        assert answer.headers["retry-after"] == "2"


def all_pages(api: Api, limit: int) -> list[dict[str, Any]]:
    """Every failed task, page by page."""
    tasks: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        url = f"/tasks?status=FAILED&limit={limit}" + (f"&cursor={cursor}" if cursor else "")
        page = call(api, "GET", url).json
        assert len(page["tasks"]) <= limit
        tasks += page["tasks"]
        cursor = page.get("cursor")
        if cursor is None:
            return tasks


def test_failed_tasks_are_listed_newest_first_each_once(api: Api, backend: Resources) -> None:
    stage = stage_of(backend)
    for number in range(30):
        # Several in one millisecond, as a batch that fails together has it.
        at = EPOCH + timedelta(seconds=number // 5)
        put_failed(stage, failed_task(number, at, Failure("E", f"error {number}")), letter=False)
    for limit in (1, 7, 29, 30, 100):
        tasks = all_pages(api, limit)
        assert len(tasks) == len({failed["taskId"] for failed in tasks}) == 30
        assert [failed["failedAt"] for failed in tasks] == sorted(
            (failed["failedAt"] for failed in tasks), reverse=True
        )
    assert tasks[0]["lastError"]["message"].startswith("error 2")


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("", "Only failed tasks can be listed. Send GET /tasks?status=FAILED."),
        ("?status=PENDING", "Only failed tasks can be listed. Send GET /tasks?status=FAILED."),
        ("?status=FAILED&limit=0", "Invalid limit '0': expected a number from 1 to 100."),
        ("?status=FAILED&limit=101", "Invalid limit '101'"),
        ("?status=FAILED&limit=x", "Invalid limit 'x'"),
        ("?status=FAILED&limit=-1", "Invalid limit '-1'"),
        ("?status=FAILED&cursor=x", "Invalid cursor. Pass back `cursor` from the previous response unchanged."),
        ("?status=FAILED&cursor=e30x", "Invalid cursor."),
        ("?status=FAILED&cursor=eyIwIjogWyIyMDI2LTAxLTAxVDAwOjAwOjAwLjAwMFoiLCAieCJdfQ", "Invalid cursor."),
        ("?status=FAILED&limt=5", "Unknown query parameter 'limt'. Supported: status, limit, cursor."),
    ],
)
def test_an_invalid_query_is_refused_with_what_would_be_valid(moto_resources: Resources, query: str, says: str) -> None:
    assert_problem(call(api_over(moto_resources), "GET", f"/tasks{query}"), 400, says)


POSITION = ["2026-01-01T00:00:00.000Z", "0" * 32]


@pytest.mark.parametrize(
    "made_up",
    [
        {"0": ["0001-01-01T00:00:00+23:59", "0" * 32]},
        {"0": ["0999-01-01T00:00:00.000Z", "0" * 32]},
        {"0": ["9999-01-01T00:00:00.000Z", "0" * 32]},
        {"0": ["2026-01-01T00:00:00Z", "0" * 32]},
        {"0": ["2026-01-01", "0" * 32]},
        {"0": [POSITION[0], 5]},
        {"0": [POSITION[0], None]},
        {"0": [5, "0" * 32]},
        {"0": [[], {}]},
        {"0": POSITION[:1]},
        {"8": POSITION},
        {"-1": POSITION},
        {"x": POSITION},
        {"9" * 5000: POSITION},
        [POSITION],
        "text",
        5,
        None,
    ],
)
def test_a_made_up_cursor_is_refused(moto_resources: Resources, made_up: Any) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(made_up).encode()).decode().rstrip("=")
    answer = call(api_over(moto_resources), "GET", f"/tasks?status=FAILED&cursor={cursor}")
    assert_problem(answer, 400, "Invalid cursor. Pass back `cursor` from the previous response unchanged.")


@pytest.mark.parametrize("task_id", ["x", "0" * 31, "0" * 32, "A" * 32, "..%2f", "%0a"])
def test_an_unknown_task_is_a_404(moto_resources: Resources, task_id: str) -> None:
    assert_problem(call(api_over(moto_resources), "GET", f"/tasks/{task_id}"), 404, "does not exist")


def test_the_api_describes_itself(moto_resources: Resources) -> None:
    assert call(api_over(moto_resources), "GET", "/openapi.json").json == json.loads(OPENAPI.read_bytes())


def test_the_description_lists_the_types_of_the_deployment(moto_resources: Resources) -> None:
    document = call(api_over(moto_resources, types=(SEND, TICK)), "GET", "/openapi.json").json
    assert document["components"]["schemas"]["TaskType"]["enum"] == ["send", "tick", "experiment"]
    assert [entry["name"] for entry in document["x-ftask-types"]] == ["send", "tick", "experiment"]
    assert document["x-ftask-types"][0]["arguments"] == [
        {"name": "to", "required": True},
        {"name": "note", "required": False},
    ]


def test_a_query_reads_states_and_results_of_many_tasks_and_leaves_out_what_does_not_exist(api: Api) -> None:
    ids = [call(api, "POST", "/tasks", {"n": number}).json["taskId"] for number in range(2)]
    answer = call(api, "POST", "/tasks/query", {"taskIds": [*ids, "f" * 32, "no id"]})
    assert answer.status == 200
    assert {(state["taskId"], state["status"]) for state in answer.json["tasks"]} == {(each, "PENDING") for each in ids}
    assert not any({"payload", "history", "result"} & state.keys() for state in answer.json["tasks"])
    assert answer.json["unread"] == []


def test_a_query_answers_no_more_than_a_function_can_and_names_the_rest(backend: Resources) -> None:
    stage = stage_of(backend)
    ids = [f"{number:032x}" for number in range(30)]
    for task_id in ids:
        # Each quotation mark takes four bytes in the function's answer.
        stage.store.put(a_task(task_id=task_id, status=Status.COMPLETED, result=json.dumps('"' * 60_000)))
    api = api_over(backend)
    read: dict[str, Any] = {}
    requests = 0
    while left := [each for each in ids if each not in read]:
        answer = call(api, "POST", "/tasks/query", {"taskIds": left, "results": True})
        assert len(json.dumps(answer.json, ensure_ascii=False)) < MAX_ANSWER_BYTES
        assert {state["taskId"] for state in answer.json["tasks"]} == set(left) - set(answer.json["unread"])
        read |= {state["taskId"]: state["result"] for state in answer.json["tasks"]}
        requests += 1
    assert requests > 1
    assert set(read.values()) == {'"' * 60_000}
    assert call(api, "POST", "/tasks/query", {"taskIds": ids}).json["unread"] == []


@pytest.mark.parametrize(
    "body",
    [{}, {"taskIds": []}, {"taskIds": ["a"] * 101}, {"taskIds": [1]}, {"taskIds": ["a"], "results": 1}, {"ids": ["a"]}],
)
def test_a_query_that_is_none_is_refused(moto_resources: Resources, body: Any) -> None:
    assert_problem(call(api_over(moto_resources), "POST", "/tasks/query", body), 400, "Invalid query")


def test_two_problems_of_one_status_differ_for_a_program(moto_resources: Resources) -> None:
    typed = api_over(moto_resources, types=(SEND,))
    assert call(typed, "POST", "/tasks?type=sned", {}).json["type"] == "/problems/unknown-type"
    assert call(typed, "POST", "/tasks?type=send", {}).json["type"] == "/problems/invalid-arguments"


def test_a_payload_is_checked_by_the_schema_of_its_type(moto_resources: Resources) -> None:
    schema = {"type": "object", "properties": {"below": {"type": "integer"}}, "required": ["below"]}
    typed = api_over(moto_resources, types=(TaskType("draw", (Argument("below"),), schema=schema),))
    answer = call(typed, "POST", "/tasks?type=draw", {"below": "x"})
    assert_problem(answer, 422, "Task type draw: below: expected an integer, got 'x'.")
    assert call(typed, "POST", "/tasks?type=draw", {"below": "7"}).status == 202


def test_a_second_unique_submission_is_told_which_task_keeps_it_out(api: Api) -> None:
    url = "/tasks?unique=until_done&uniqueKey=customer-42"
    first = call(api, "POST", url, {"n": 1}, idempotency_key="a").json
    assert call(api, "POST", url, {"n": 1}, idempotency_key="a").json == first
    refused = call(api, "POST", url, {"n": 2}, idempotency_key="b")
    assert_problem(refused, 409, f"Task {first['taskId']} is of the same type and unique key.")
    assert (refused.json["type"], refused.json["taskId"]) == ("/problems/not-unique", first["taskId"])
    (entry,) = call(api, "POST", "/tasks/batch", {"tasks": [task({"n": 3}, unique=60, uniqueKey="customer-42")]}).json[
        "results"
    ]
    assert entry["problem"]["taskId"] == first["taskId"]


def test_without_a_key_the_payload_says_which_unique_tasks_are_the_same(api: Api) -> None:
    first = call(api, "POST", "/tasks?unique=until_done", {"n": 1}).json
    assert call(api, "POST", "/tasks?unique=until_done", {"n": 1}).json["taskId"] == first["taskId"]
    assert call(api, "POST", "/tasks?unique=until_done", {"n": 2}).status == 202


def test_a_unique_task_whose_message_was_lost_is_sent_again_for_the_one_that_found_it(
    moto_resources: Resources,
) -> None:
    class Deaf(SqsQueue):
        def send_many(self, messages: Sequence[Message]) -> list[Message]:
            raise EndpointConnectionError(endpoint_url="https://sqs")

    api = api_over(moto_resources)
    deaf = Deaf(lambda: moto_resources.sqs, moto_resources.queue_url)
    url = "/tasks?unique=until_done&uniqueKey=k"
    lost = call(replace(api, submitter=replace(api.submitter, queue=deaf)), "POST", url, {})
    assert (lost.status, queued(moto_resources)) == (503, 0)
    assert call(api, "POST", url, {}).status == 409
    assert queued(moto_resources) == 1


def test_group_and_tags_are_the_task_s_and_the_group_goes_to_the_queue(api: Api, backend: Resources) -> None:
    answer = call(api, "POST", "/tasks?group=customer-42&tags=customer:42,plan:pro", {"message": "SUCCESS"})
    read = call(api, "GET", f"/tasks/{answer.json['taskId']}").json
    assert (read["group"], read["tags"]) == ("customer-42", {"customer": "42", "plan": "pro"})
    call(api, "POST", "/tasks/batch", {"tasks": [task(group="customer-42", tags={"customer": "42"})]})
    groups = []
    while received := backend.sqs.receive_message(
        QueueUrl=backend.queue_url, AttributeNames=["MessageGroupId"], MaxNumberOfMessages=10
    ).get("Messages"):
        groups += [message.get("Attributes", {}).get("MessageGroupId") for message in received]
    assert groups == ["customer-42"] * 2


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("group=a b", "Invalid group"),
        ("tags=a", "Invalid tag ''"),
        ("tags=a:1,b:2,c:3,d:4,e:5,f:6,g:7,h:8,i:9", "up to 8"),
        ("unique=soon", "expected until_done, or seconds"),
        ("unique=0", "expected until_done, or seconds"),
        ("uniqueKey=a", "no effect without unique"),
    ],
)
def test_labels_that_are_none_are_refused(moto_resources: Resources, query: str, says: str) -> None:
    assert_problem(call(api_over(moto_resources), "POST", f"/tasks?{query}", {}), 400, says)
