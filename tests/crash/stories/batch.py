"""A client submits a batch: once, again, beside another client, raced by the worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from ftask.core.errors import FtaskError, IdempotencyConflictError, OutcomeUnknownError, TemporarilyUnavailableError
from ftask.core.model import Task
from ftask.core.payload import Submission
from ftask.core.submission import CALL_TIME, STORE_TIME
from tests.crash.stories.story import Scenario
from tests.crash.wire import Fault
from tests.crash.world import World

SLOW_SECONDS = 3


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


def batch_without_keys_raced_by_the_worker(w: World) -> None:
    w.at_once(lambda: w.submit_many(None, None), w.pump)
    w.until_quiet()


def batch_whose_calls_run_at_once(w: World) -> None:
    """Each put of a batch may be done, or not, whenever the function dies or another call fails."""
    w.calls_at_once = True
    answers = w.submit_many(None, "one")
    with w.undisturbed():
        w.until_quiet()
    if answers is not None:
        _expect_truth(w, answers)


def batch_with_another_payload_for_a_key(w: World) -> None:
    first = w.submit_surely("one")
    w.until_quiet()
    answers = w.submit_batch([Submission({"message": "else"}, "one"), Submission({"message": "work"}, "two")])
    w.until_quiet()
    if answers is not None and not isinstance(answers[0], IdempotencyConflictError | TemporarilyUnavailableError):
        w.violations.append("a key was accepted for two payloads")
    now = w.item(first.task_id)
    if now is None or now.payload != first.payload:
        w.violations.append("a batch replaced the payload of a key")


def batch_that_runs_out_of_time(w: World) -> None:
    """A slow table: after the first task too little time is left for the second. Nothing is told by halves."""
    writes_of_the_first = 2 if w.text else 1
    deadline = w.clock() + STORE_TIME + timedelta(seconds=SLOW_SECONDS * writes_of_the_first - 2)
    w.store = _SlowPut(w)
    answers = w.submit_batch([Submission(w.payload())] * 3, deadline)
    if w.clock() > deadline - CALL_TIME:
        w.violations.append("began a call that the function may not live to see the end of")
    w.until_quiet()
    if answers is not None:
        _expect_truth(w, answers)
        if not w.wire.faults and [isinstance(answer, Task) for answer in answers] != [True, False, False]:
            w.violations.append(f"answered {answers}")


class _SlowPut:
    """The table, whose puts are slow."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_payload(self, task: Task) -> None:
        self._world.pass_seconds(SLOW_SECONDS)
        self._store.put_payload(task)

    def put(self, task: Task) -> Task | None:
        self._world.pass_seconds(SLOW_SECONDS)
        return self._store.put(task)


def _expect_truth(w: World, answers: Sequence[Task | FtaskError]) -> None:
    """Each task that ran was accepted, or the client was told that this is not known."""
    unknown = sum(isinstance(answer, OutcomeUnknownError) for answer in answers)
    ran = {run.task_id for run in w.witness.runs} - w.witness.accepted
    if len(ran) > unknown:
        w.violations.append("a task ran that was not accepted")


SCENARIOS = [
    Scenario("batch", batch),
    Scenario("batch without keys", batch_without_keys),
    Scenario("batch of more than a request carries", batch_of_more_than_a_request_carries),
    Scenario("batch again, longer", batch_again_longer),
    Scenario("two clients with the same batch", two_clients_with_the_same_batch, actors=2, depth=0),
    Scenario("batch raced by the worker", batch_raced_by_the_worker, actors=2, depth=0),
    Scenario("batch without keys, raced by the worker", batch_without_keys_raced_by_the_worker, actors=2, depth=0),
    Scenario("batch whose calls run at once", batch_whose_calls_run_at_once, actors=2, faults=tuple(Fault)),
    Scenario("batch with another payload for a key", batch_with_another_payload_for_a_key),
    Scenario("batch that runs out of time", batch_that_runs_out_of_time),
]
