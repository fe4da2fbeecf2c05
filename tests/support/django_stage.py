"""Django over a stage in this process: the API and the worker as deployed, their table and queues by moto."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any, ClassVar

import boto3
from django.conf import settings
from moto import mock_aws

from ftask import AsyncClient, Client
from ftask.core.events import Event
from ftask.core.execution import Executor
from ftask.core.model import Delivery
from ftask.core.retry import RetryPolicy
from ftask.core.timestamps import now
from ftask.django import FtaskBackend, declare_tasks
from ftask.tasks.declaration import Registry, fresh_registry
from ftask.tasks.worker import handler, retry_policies
from tests.support import resources
from tests.support.gateway import Gateway
from tests.support.http import api_over

if not settings.configured:
    settings.configure(
        TASKS={
            "default": {"BACKEND": "tests.support.django_stage.StageBackend"},
            "immediate": {"BACKEND": "ftask.django.testing.ImmediateBackend"},
            "dummy": {"BACKEND": "ftask.django.testing.DummyBackend"},
        },
        INSTALLED_APPS=["tests.support.django_project"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
    )


class DjangoStage:
    """A stage with the tasks of the installed apps."""

    current: ClassVar[DjangoStage]

    def __init__(self, registry: Registry, max_attempts: int) -> None:
        session = boto3.Session("a", "b", region_name="us-east-1")
        self.resources = resources.create(session.client("dynamodb"), session.client("sqs"))
        self.registry = registry
        self.max_attempts = max_attempts
        self.events: list[Event] = []
        types = [declaration.type for declaration in registry]
        self.gateway = Gateway.of(api_over(self.resources, max_attempts, types))

    @property
    def types(self) -> list[str]:
        return [declaration.name for declaration in self.registry]

    def work(self) -> int:
        """Run what the queue delivers; return how many messages that were."""
        received = self.resources.sqs.receive_message(QueueUrl=self.resources.queue_url, MaxNumberOfMessages=10)
        executor = self._executor()
        messages = received.get("Messages", [])
        for message in messages:
            delivery = Delivery(message["MessageId"], message["ReceiptHandle"], message["Body"])
            if executor.execute(delivery, now() + timedelta(seconds=20)):
                self.resources.sqs.delete_message(
                    QueueUrl=self.resources.queue_url, ReceiptHandle=message["ReceiptHandle"]
                )
        return len(messages)

    def _executor(self) -> Executor:
        policy = RetryPolicy(0, 0)
        return Executor(
            store=self.resources.store,
            queue=self.resources.queue,
            dead_letters=self.resources.dead_letters,
            handler=handler(self.registry, self.events.append),
            clock=now,
            rng=Random(0),
            policy=policy,
            policies=retry_policies(self.registry, policy),
            budget=timedelta(0),
            retention=timedelta(days=30),
            observe=self.events.append,
        )


@contextmanager
def declared_tasks(*modules: str) -> Iterator[Registry]:
    """The tasks of the installed apps and of these modules, as a worker has them."""
    with fresh_registry() as registry:
        declare_tasks(*modules)
        yield registry


@contextmanager
def django_stage(registry: Registry, max_attempts: int = 2) -> Iterator[DjangoStage]:
    """Serve `StageBackend` by a new stage with these tasks."""
    with mock_aws():
        DjangoStage.current = DjangoStage(registry, max_attempts)
        yield DjangoStage.current


class StageBackend(FtaskBackend):
    """The backend of the product, over the stage of this process."""

    @property
    def client(self) -> Client:
        return DjangoStage.current.gateway.client()

    @property
    def async_client(self) -> AsyncClient:
        return DjangoStage.current.gateway.async_client()


class QuietBackend(StageBackend):
    """Has what tests of Django's DummyBackend ask for: here, what a stage keeps."""

    @property
    def results(self) -> list[Any]:
        resources = DjangoStage.current.resources
        items = resources.dynamodb.scan(TableName=resources.table)["Items"]
        return [self.get_result(item["taskId"]["S"]) for item in items]

    def clear(self) -> None:
        DjangoStage.current = DjangoStage(DjangoStage.current.registry, DjangoStage.current.max_attempts)


class EagerBackend(StageBackend):
    """Lets the worker run a task before `enqueue` returns."""

    def enqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        return self._run(super().enqueue(task, args, kwargs))

    async def aenqueue(self, task: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        result = await super().aenqueue(task, args, kwargs)
        # In a thread that knows nothing of this event loop, as a worker's.
        return await asyncio.get_running_loop().run_in_executor(None, self._run, result)

    def _run(self, result: Any) -> Any:
        DjangoStage.current.work()
        result.refresh()
        return result
