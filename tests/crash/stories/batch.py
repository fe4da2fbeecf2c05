"""A client submits a batch: once, again, beside another client, raced by the worker."""

from __future__ import annotations

from tests.crash.stories.story import Scenario
from tests.crash.world import World


def batch(w: World) -> None:
    w.submit_many_surely("one", "two", "three")
    w.until_quiet()


def batch_without_keys(w: World) -> None:
    w.submit_many(None, None)
    w.until_quiet()


def batch_of_more_than_a_request_carries(w: World) -> None:
    w.submit_many(*(f"key {number}" for number in range(11)))
    # The lives of its tasks are other stories.
    with w.undisturbed():
        w.until_quiet()


def batch_again_longer(w: World) -> None:
    w.submit_many_surely("one", "two")
    w.until_quiet()
    w.submit_many_surely("one", "two", "three", "three")
    w.until_quiet()
    if len(w.cloud.tasks()) != 3:
        w.violations.append(f"three keys, {len(w.cloud.tasks())} tasks")


def two_clients_with_the_same_batch(w: World) -> None:
    w.at_once(lambda: w.submit_many("one", "two"), lambda: w.submit_many("two", "three"))
    w.until_quiet()


def batch_raced_by_the_worker(w: World) -> None:
    w.submit_surely("one")
    w.at_once(lambda: w.submit_many("one", "two"), w.pump)
    w.until_quiet()


SCENARIOS = [
    Scenario("batch", batch),
    Scenario("batch without keys", batch_without_keys),
    Scenario("batch of more than a request carries", batch_of_more_than_a_request_carries),
    Scenario("batch again, longer", batch_again_longer),
    Scenario("two clients with the same batch", two_clients_with_the_same_batch, actors=2, depth=0),
    Scenario("batch raced by the worker", batch_raced_by_the_worker, actors=2, depth=0),
]
