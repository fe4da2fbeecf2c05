"""The tasks of a Django app, as a project declares them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from asgiref.sync import sync_to_async
from django.db import connections

from ftask import PermanentError, current
from ftask.django.library import NAME
from tests.support.django_project.errors import CardDeclined

# The connections that queries went through; each thread has one of its own.
USED: list[Any] = []

task: Any = import_module(NAME).task


@task
def add(left: int, right: int = 0) -> int:
    """Add two numbers."""
    return left + right


@task
async def add_async(left: int, right: int = 0) -> int:
    return left + right


@task(max_attempts=3)
def decline(card: str) -> None:
    raise CardDeclined(f"no money on {card}")


@task(max_attempts=3)
def give_up() -> None:
    raise PermanentError("no retry helps")


@task(takes_context=True)
def describe(context: Any, *parts: str) -> list[Any]:
    return [context.task_result.id == current().task_id, context.attempt, *parts]


@task(max_attempts=2, takes_context=True)
def succeed_later(context: Any) -> int:
    if context.attempt < 2:
        raise ConnectionError("try again")
    return int(context.attempt)


def _query() -> bool:
    USED.append(connection := connections["default"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.connection is not None


@task
def query() -> bool:
    """Leave an open connection to the database."""
    return _query()


@task
async def query_async() -> bool:
    opened: bool = await sync_to_async(_query)()
    return opened


@task
def return_a_function() -> Any:
    return add


@task(backend="immediate")
def on_another_backend() -> None: ...
