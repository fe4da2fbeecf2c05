"""Django's tasks on ftask: enqueued by Django, submitted to the API, run by the worker, read again by Django."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.db import connections, transaction
from django.test import override_settings
from django.utils import timezone

from ftask import ApiError, TaskCancelled
from ftask.core.cancellation import Canceller
from ftask.core.timestamps import now
from ftask.django import FtaskBackend, library
from ftask.django.library import InvalidTask, InvalidTaskBackend, TaskResultDoesNotExist, TaskResultStatus, signals
from ftask.tasks.declaration import Registry
from tests.support.django_stage import DjangoStage, declared_tasks, django_stage

READY, FAILED, SUCCESSFUL = TaskResultStatus.READY, TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL


@pytest.fixture(scope="module")
def registry() -> Iterator[Registry]:
    with declared_tasks() as registry:
        yield registry


@pytest.fixture
def stage(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Iterator[DjangoStage]:
    # The client signs its requests, as it would for AWS.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    with django_stage(registry) as stage:
        yield stage


@pytest.fixture(scope="module")
def tasks(registry: Registry) -> Any:
    return import_module("tests.support.django_project.tasks")


def ended(stage: DjangoStage, result: Any) -> Any:
    """The result after its task has run until its end."""
    while not result.is_finished:
        assert stage.work(), "nothing is in the queue"
        result.refresh()
    return result


@pytest.mark.parametrize("name", ["add", "add_async"])
def test_a_task_returns_its_value_to_django(stage: DjangoStage, tasks: Any, name: str) -> None:
    task = getattr(tasks, name)
    result = task.enqueue(40, right=2)
    assert (result.status, result.args, result.kwargs, result.attempts) == (READY, [40], {"right": 2}, 0)
    assert task.get_result(result.id) == result
    ended(stage, result)
    assert (result.status, result.return_value, result.attempts) == (SUCCESSFUL, 42, 1)
    assert result.enqueued_at <= result.started_at <= result.finished_at
    assert (result.task, result.args, result.kwargs) == (task, [40], {"right": 2})


def test_an_event_loop_enqueues_and_reads_without_the_synchronous_client(
    stage: DjangoStage, tasks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(tasks.add.get_backend()), "client", property(lambda self: pytest.fail("it blocks")))

    async def enqueue() -> Any:
        return await tasks.add.aenqueue(1, 2)

    result = asyncio.run(enqueue())
    assert stage.work() == 1

    async def read() -> Any:
        await result.arefresh()
        return await tasks.add.aget_result(result.id)

    assert asyncio.run(read()).return_value == result.return_value == 3


def test_operators_see_the_path_of_a_task_as_its_type(stage: DjangoStage, tasks: Any) -> None:
    result = tasks.decline.enqueue("4242")
    ended(stage, result)
    item = stage.resources.store.get(result.id)
    assert item is not None
    assert item.last_error is not None
    assert item.type == "tests.support.django_project.tasks.decline"
    assert item.last_error.type == "tests.support.django_project.errors.CardDeclined"


def test_a_failure_has_its_class_and_its_message_at_each_attempt(stage: DjangoStage, tasks: Any) -> None:
    result = tasks.decline.enqueue("4242")
    stage.work()
    result.refresh()
    assert (result.status, result.attempts, len(result.errors)) == (READY, 1, 1)
    ended(stage, result)
    assert (result.status, result.attempts, len(result.errors)) == (FAILED, 3, 3)
    assert result.errors[0].exception_class.__name__ == "CardDeclined"
    assert f"ftask logs --task {result.id}" in result.errors[0].traceback
    assert result.errors[0].traceback.endswith("errors.CardDeclined: no money on 4242\n")


def test_what_ftask_itself_reports_has_a_class_too(stage: DjangoStage, tasks: Any) -> None:
    result = ended(stage, tasks.return_a_function.enqueue())
    assert (result.status, result.errors[0].exception_class.__name__) == (FAILED, "InvalidResult")
    result = ended(stage, tasks.give_up.enqueue())
    assert (result.attempts, result.errors[0].exception_class.__name__) == (1, "PermanentError")


def test_a_cancelled_task_has_failed_for_django(stage: DjangoStage, tasks: Any) -> None:
    result = tasks.add.using(run_after=timezone.now() + timedelta(hours=1)).enqueue(1)
    Canceller(stage.resources.store, now, timedelta(days=30)).cancel(result.id)
    result.refresh()
    assert (result.status, result.errors[0].exception_class) == (FAILED, TaskCancelled)


def test_a_task_that_takes_its_context_knows_its_id_and_attempt(stage: DjangoStage, tasks: Any) -> None:
    assert ended(stage, tasks.describe.enqueue("a", "b")).return_value == [True, 1, "a", "b"]
    assert ended(stage, tasks.succeed_later.enqueue()).return_value == 2


def test_max_attempts_of_a_task_reach_the_stage(stage: DjangoStage, tasks: Any) -> None:
    limits = {task.enqueue().id: limit for task, limit in [(tasks.give_up, 3), (tasks.succeed_later, 2)]}
    items = {task_id: stage.resources.store.get(task_id) for task_id in limits}
    assert {task_id: item and item.max_attempts for task_id, item in items.items()} == limits


@pytest.mark.parametrize("use_tz", [True, False])
def test_a_task_waits_until_its_time(stage: DjangoStage, tasks: Any, use_tz: bool) -> None:
    with override_settings(USE_TZ=use_tz, TIME_ZONE="Europe/Kyiv"):
        due = timezone.now() + timedelta(minutes=10)
        result = tasks.add.using(run_after=due).enqueue(1)
        item = stage.resources.store.get(result.id)
        assert timezone.is_aware(result.enqueued_at) is use_tz
        past = tasks.add.using(run_after=timezone.now() - timedelta(minutes=10)).enqueue(1)
    assert item is not None
    assert item.scheduled_at is not None
    due = due if use_tz else timezone.make_aware(due, timezone.get_fixed_timezone(120))
    assert abs(item.scheduled_at - due) < timedelta(minutes=1)
    assert ended(stage, past).return_value == 1


def test_one_key_is_one_task(stage: DjangoStage, tasks: Any) -> None:
    due = timezone.now() + timedelta(hours=1)
    for task in (tasks.add.using(key="order-17"), tasks.add.using(key="order-18", run_after=due)):
        assert task.enqueue(1).id == task.enqueue(1).id
        with pytest.raises(ApiError, match="another payload"):
            task.enqueue(2)
    assert tasks.add.using(key="order-17").using(queue_name="default").key == "order-17"


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ([{1: "a"}], TypeError, "keys of a dict must be text"),
        ([float("nan")], ValueError, "not JSON compliant"),
        ([datetime(2026, 1, 1)], TypeError, "Unsupported type"),  # noqa: DTZ001 - it is refused
    ],
)
def test_what_json_would_change_is_refused_before_anything_is_sent(
    stage: DjangoStage, tasks: Any, arguments: list[Any], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        tasks.add.enqueue(*arguments)
    with pytest.raises(error, match=text):
        asyncio.run(tasks.add.aenqueue(*arguments))
    assert stage.gateway.requests == []


def test_what_a_queue_cannot_do_is_refused_with_its_reason(tasks: Any) -> None:
    with pytest.raises(InvalidTask, match="priority=10, and an SQS queue has no priorities"):
        tasks.add.using(priority=10)
    declare: Any = import_module(library.NAME).task
    with pytest.raises(InvalidTask, match="invalid max_attempts=0: write a whole number from 1 to 100"):
        declare(max_attempts=0)(tasks.add.func)

    def of_a_long_path() -> None: ...

    of_a_long_path.__qualname__ = "much_too_long_" * 5
    with pytest.raises(InvalidTask, match="at most 64"):
        declare(of_a_long_path)


def test_a_result_that_is_not_of_this_project_does_not_exist(stage: DjangoStage, tasks: Any) -> None:
    with pytest.raises(TaskResultDoesNotExist):
        tasks.add.get_result("123")
    with pytest.raises(TaskResultDoesNotExist):
        asyncio.run(tasks.add.aget_result("0" * 32))
    experiment = stage.gateway.client().submit("experiment", {"message": "SUCCESS"})
    with pytest.raises(TaskResultDoesNotExist, match="type 'experiment'"):
        tasks.add.get_result(experiment.id)


def test_a_backend_opens_no_connection_before_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("a connection was opened"))
    assert FtaskBackend("default", {"OPTIONS": {"stage": "prod", "region": "eu-west-1"}}).client
    with pytest.raises(InvalidTaskBackend, match=r"TASKS\['default'\]: got an unexpected keyword argument 'stages'"):
        FtaskBackend("default", {"OPTIONS": {"stages": "prod"}})


def test_threads_share_one_client(tasks: Any) -> None:
    options = {"OPTIONS": {"stage": "prod"}}
    first, second = FtaskBackend("default", options), FtaskBackend("default", options)
    assert first.client is second.client

    async def clients() -> bool:
        return first.async_client is second.async_client

    assert asyncio.run(clients())


@pytest.mark.parametrize("name", ["query", "query_async"])
def test_no_connection_to_the_database_outlives_an_attempt(
    stage: DjangoStage, tasks: Any, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Django keeps a database in memory open.
    monkeypatch.setitem(connections.settings["default"], "NAME", tmp_path / "database")
    assert ended(stage, getattr(tasks, name).enqueue()).return_value is True
    assert tasks.USED.pop().connection is None


def test_enqueueing_does_not_wait_for_the_transaction_unless_on_commit_does(stage: DjangoStage, tasks: Any) -> None:
    def sent() -> int:
        return len(stage.gateway.requests)

    with transaction.atomic():
        tasks.add.enqueue(1)
        assert sent() == 1
        transaction.on_commit(partial(tasks.add.enqueue, 2))
        assert sent() == 1
    assert sent() == 2
    with transaction.atomic():
        transaction.on_commit(partial(tasks.add.enqueue, 3))
        transaction.set_rollback(True)
    assert sent() == 2


def test_signals_tell_of_each_attempt_and_once_of_the_end(stage: DjangoStage, tasks: Any) -> None:
    seen: list[tuple[str, str, int]] = []
    receivers = []
    for name in ("enqueued", "started", "finished"):

        def note(sender: Any, task_result: Any, name: str = name, **_: Any) -> None:
            seen.append((name, str(task_result.status), task_result.attempts))

        getattr(signals, f"task_{name}").connect(note)
        receivers.append(note)
    ended(stage, tasks.succeed_later.enqueue())
    ended(stage, tasks.give_up.enqueue())
    assert seen == [
        ("enqueued", "READY", 0),
        ("started", "RUNNING", 1),
        ("started", "RUNNING", 2),
        ("finished", "SUCCESSFUL", 2),
        ("enqueued", "READY", 0),
        ("started", "RUNNING", 1),
        ("finished", "FAILED", 1),
    ]


def test_a_worker_has_the_tasks_of_the_installed_apps_that_ftask_runs(stage: DjangoStage) -> None:
    names = {name.removeprefix("tests.support.django_project.tasks.") for name in stage.types}
    assert {"add", "query_async"} < names
    assert "on_another_backend" not in names


def test_tests_of_a_project_keep_the_options_of_its_tasks(tasks: Any) -> None:
    done = tasks.add.using(backend="immediate", key="order-17").enqueue(1, right=2)
    assert (done.status, done.return_value) == (SUCCESSFUL, 3)
    kept = tasks.decline.using(backend="dummy").enqueue("4242")
    assert kept.task.max_attempts == 3
    with override_settings(TASKS={"default": {"BACKEND": "ftask.django.testing.DummyBackend"}}):
        declare: Any = import_module(library.NAME).task
        assert declare(max_attempts=4)(tasks.add.func).max_attempts == 4
