"""A task of the user's own: its type belongs to its key, its payload is converted, its backoff is its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ftask.core.errors import IdempotencyConflictError
from ftask.core.model import Status, Task
from tests.crash import own_tasks
from tests.crash.stories.story import Scenario
from tests.crash.world import MAX_DELIVERIES, World


def submit_another_type_with_the_same_key(w: World) -> None:
    w.submit_surely("key")
    try:
        other = w.submit(key="key", task_type="flaky")
    except IdempotencyConflictError:
        other = None
    if other is not None:
        w.violations.append("a key was accepted for two types")
    w.until_quiet()


def own_task(task_type: str, payload: dict[str, Any], wrongs: Callable[[Task], list[str]]) -> Callable[[World], None]:
    """A task of the user's own, run as a worker runs it."""

    def tell(w: World) -> None:
        with w.undisturbed():
            task = w.submit_payload(payload, None, task_type)
            assert task is not None
        w.until_quiet()
        ended = w.item(task.task_id)
        w.violations.extend(["the task is gone"] if ended is None else wrongs(ended))

    return tell


def own_task_on_an_old_worker(replaced: bool) -> Callable[[World], None]:
    """A task whose type the deployed worker does not know, until another one replaces it, if one does."""

    def tell(w: World) -> None:
        with w.undisturbed():
            task = w.submit_payload({"to": "a"}, None, "flaky")
            assert task is not None
        w.knows_all_types = False
        w.pump()
        w.pass_seconds(60 if replaced else 1800)
        w.pump()
        w.knows_all_types = replaced
        w.until_quiet(2 * MAX_DELIVERIES)
        ended = w.item(task.task_id)
        assert ended is not None
        unknown = [attempt for attempt in ended.history if attempt.error and attempt.error.type == "UnknownTaskType"]
        if len(unknown) != (not replaced):
            w.violations.append(f"{len(unknown)} attempts failed because a worker did not know the type")

    return tell


SCENARIOS = [
    Scenario("submit another type with the same key", submit_another_type_with_the_same_key),
    Scenario(
        "own task whose payload cannot be converted",
        own_task("convert", {"day": "x"}, own_tasks.wrongs_of_unconvertible),
        Status.FAILED,
    ),
    Scenario("own task that reaches an old worker first", own_task_on_an_old_worker(replaced=True)),
    Scenario("own task whose type no worker knows", own_task_on_an_old_worker(replaced=False), Status.FAILED),
    Scenario("own task with its own backoff", own_task("flaky", {"to": "a"}, own_tasks.wrongs_of_flaky)),
]
