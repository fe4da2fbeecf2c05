"""Payloads that are items of their own: written before their tasks, read by each attempt, kept as long as they are."""

from __future__ import annotations

from collections.abc import Callable

from ftask.core.errors import IdempotencyConflictError
from ftask.core.model import Status
from tests.crash.stories import batch, drain, submit, worker
from tests.crash.stories.redrive import late_redrive, redriven_late
from tests.crash.stories.story import Scenario, expect_epoch, failed
from tests.crash.wire import Fault
from tests.crash.world import World

TEXT = "x" * 600


def large(tell: Callable[[World], None]) -> Callable[[World], None]:
    """The same story, with payloads that do not fit into the items of their tasks."""

    def told(w: World) -> None:
        w.text = TEXT
        tell(w)

    return told


def submitted_twice(w: World) -> None:
    w.submit_surely("key")
    w.submit_surely("key")
    w.until_quiet()


def two_payloads_with_one_key(w: World) -> None:
    """The second one is refused, and does not touch the first one's, which has not run yet."""
    w.submit_surely("key", "first")
    w.pass_seconds(5)
    ask_for(w, "second")
    w.until_quiet()


def two_clients_with_one_key_and_two_payloads(w: World) -> None:
    def later() -> None:
        w.pass_seconds(5)
        ask_for(w, "second")

    w.at_once(lambda: ask_for(w, "first"), later)
    w.until_quiet()


def ask_for(w: World, message: str) -> None:
    try:
        w.submit(message, key="key")
    except IdempotencyConflictError:
        return


def payload_that_cannot_be_read(w: World) -> None:
    """The worker gives the attempt back, which costs the task none of its only one."""
    w.max_attempts = 1
    with w.undisturbed():
        task = w.submit()
        assert task is not None
    w.until_quiet()
    ended = w.item(task.task_id)
    begin = 0
    read = w.wire.calls.index("GetItem")
    if w.wire.fired <= {begin, read} and (ended is None or ended.status is not Status.COMPLETED):
        w.violations.append("a payload that could not be read used up an attempt")


def late_redrive_with_a_large_payload(w: World) -> None:
    w.text = TEXT
    task = late_redrive(w)
    kept = w.item(task.task_id)
    with w.undisturbed():
        if kept is not None and w.store.with_payload(kept).payload is None:
            w.violations.append("a task outlived its payload")


def late_redrives(w: World) -> None:
    """Redriven again when the time of the first payload's expiry is long over."""
    w.script = {(1, 1): "permanent", (1, 2): "permanent"}
    task = redriven_late(w)
    w.until_quiet()
    w.pass_days(29)
    again = w.item(task.task_id)
    if again is None:
        w.violations.append("a redriven task is gone")
        return
    with w.undisturbed():
        w.redrive_named(again)
    w.until_quiet()
    expect_epoch(w, task, 2)


def submitted_again_late(w: World) -> None:
    """A client's second request finds its task still waiting, weeks later; its message waits as long as it may."""
    with w.undisturbed():
        w.submit_surely("key")
        for message in iter(w.cloud.receive, None):
            w.cloud.acknowledge(message)  # expired
    w.pass_days(29)
    w.submit_surely("key")
    w.pass_days(13)
    w.until_quiet()
    w.pass_days(29)


def worker_beside_a_redrive(w: World) -> None:
    """The redrive's message arrives before its own move is written, on the last day of the first payload."""
    task = failed(w)
    w.pass_days(29)
    w.at_once(lambda: w.redrive_named(task), w.pump)
    w.until_quiet()
    w.pass_days(29)


SCENARIOS = [
    Scenario("large payload", large(submit.submit)),
    Scenario("large payload, submitted again with the same key", large(submitted_twice)),
    Scenario("large payloads, two with one key", large(two_payloads_with_one_key)),
    Scenario(
        "large payload, two clients with the same key", large(submit.two_clients_with_the_same_key), actors=2, depth=0
    ),
    Scenario(
        "large payloads, two clients with one key",
        large(two_clients_with_one_key_and_two_payloads),
        actors=2,
        depth=0,
    ),
    Scenario("large payload, submitted again late", large(submitted_again_late)),
    Scenario("large payloads in a batch", large(batch.batch_without_keys)),
    Scenario("large payloads in a batch that runs out of time", large(batch.batch_that_runs_out_of_time), None),
    Scenario("large payload, retry then success", large(worker.scripted({(0, 1): "fail"}))),
    Scenario("large payload, worker dies in the first attempt", large(worker.scripted({(0, 1): "die"}))),
    Scenario(
        "large payload that cannot be read",
        large(payload_that_cannot_be_read),
        None,
        faults=(Fault.THROTTLE, Fault.FAIL_AFTER),
    ),
    Scenario("large payload, redriven late", late_redrive_with_a_large_payload),
    Scenario("large payload, redriven late twice", large(late_redrives), depth=0),
    Scenario("large payload, redriven late beside the worker", large(worker_beside_a_redrive), actors=2, depth=0),
    Scenario("large payload, drained", large(drain.drain), Status.FAILED, depth=0),
]
