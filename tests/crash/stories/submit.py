"""A client submits one task: alone, again with the same key, beside another client, raced by the worker."""

from __future__ import annotations

from ftask.core.errors import IdempotencyConflictError
from tests.crash.stories.story import Scenario
from tests.crash.wire import Fault
from tests.crash.world import World


def submit(w: World) -> None:
    w.submit()
    w.until_quiet()


def submit_again_with_the_same_key(w: World) -> None:
    first = w.submit_surely("key")
    second = w.submit_surely("key")
    if first.task_id != second.task_id or len(w.cloud.tasks()) != 1:
        w.violations.append("one key, two tasks")
    w.until_quiet()
    if w.submit_surely("key").task_id != first.task_id:
        w.violations.append("a key forgot its task")
    w.until_quiet()


def submit_another_payload_with_the_same_key(w: World) -> None:
    w.submit_surely("key")
    try:
        other = w.submit("something else", key="key")
    except IdempotencyConflictError:
        other = None
    if other is not None:
        w.violations.append("a key was accepted for two payloads")
    w.until_quiet()


def two_clients_with_the_same_key(w: World) -> None:
    w.at_once(lambda: w.submit(key="key"), lambda: w.submit(key="key"))
    w.until_quiet()


def a_client_raced_by_the_worker(w: World) -> None:
    w.at_once(lambda: w.submit(), w.pump)
    w.until_quiet()


SCENARIOS = [
    Scenario("submit", submit, depth=2),
    Scenario("submit again with the same key", submit_again_with_the_same_key),
    Scenario("submit another payload with the same key", submit_another_payload_with_the_same_key),
    Scenario("two clients with the same key", two_clients_with_the_same_key, actors=2, depth=0),
    Scenario(
        "two clients with the same key, one throttled",
        two_clients_with_the_same_key,
        actors=2,
        faults=(Fault.THROTTLE,),
    ),
    Scenario(
        "a client whose message was sent after all", a_client_raced_by_the_worker, actors=2, faults=(Fault.FAIL_AFTER,)
    ),
    Scenario("a client raced by the worker", a_client_raced_by_the_worker, actors=2),
]
