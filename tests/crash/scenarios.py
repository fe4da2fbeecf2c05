"""The stories that are explored: each is told once here, and then crashed wherever it can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ftask.core.codec import encode_message
from ftask.core.errors import IdempotencyConflictError
from ftask.core.model import Delivery, Failure, Message, Status, Task
from tests.crash import own_tasks
from tests.crash.wire import Fault
from tests.crash.world import World
from tests.support.stages import failed_task, put_failed, stage_of

FOREIGN = '{"hello": "this is not a task"}'


@dataclass(frozen=True)
class Scenario:
    """A story, and how its tasks end where nothing goes wrong (None: it says so itself)."""

    name: str
    tell: Callable[[World], None]
    ends: Status | None = Status.COMPLETED
    actors: int = 1
    # How many faults strike in one run; 0 where the orders of several actors are the story.
    depth: int = 1
    # What strikes, in every order of the actors; empty stands for what is usual for so many actors.
    faults: tuple[Fault, ...] = ()


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


def two_clients_with_the_same_key(w: World) -> None:
    w.at_once(lambda: w.submit(key="key"), lambda: w.submit(key="key"))
    w.until_quiet()


def a_client_raced_by_the_worker(w: World) -> None:
    w.at_once(lambda: w.submit(), w.pump)
    w.until_quiet()


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


def scripted(script: dict[tuple[int, int], object]) -> Callable[[World], None]:
    def tell(w: World) -> None:
        w.script = script
        with w.undisturbed():
            w.submit()
        w.until_quiet()

    return tell


def malformed_message(w: World) -> None:
    w.send_raw(FOREIGN)
    w.until_quiet()
    if FOREIGN not in w.cloud.letters():
        w.violations.append("a foreign message is lost")


def message_of_a_later_release(w: World) -> None:
    with w.undisturbed():
        task = w.submit()
        assert task is not None
        delivery = w.cloud.receive()
        assert delivery is not None
    later = Delivery(delivery.message_id, delivery.receipt_handle, delivery.body.replace('"v":1', '"v":2'))
    w.work(later)
    w.until_quiet()


def duplicate(script: dict[tuple[int, int], object], *, max_attempts: int = 2) -> Callable[[World], None]:
    """The same message delivered to two workers at the same time."""

    def tell(w: World) -> None:
        w.script = script
        w.max_attempts = max_attempts
        delivery = _delivered(w)
        w.at_once(lambda: w.work(delivery), lambda: w.work(delivery))
        w.until_quiet()

    return tell


def late_duplicate(script: dict[tuple[int, int], object]) -> Callable[[World], None]:
    """The same message once more, long after the task has ended."""

    def tell(w: World) -> None:
        w.script = script
        with w.undisturbed():
            task = w.submit()
            assert task is not None
            w.until_quiet()
        runs = len(w.witness.runs)
        w.send_raw(encode_message(Message(task.task_id)))
        w.until_quiet()
        if len(w.witness.runs) != runs:
            w.violations.append("a late duplicate ran")

    return tell


def late_duplicate_after_a_redrive(w: World) -> None:
    """It must not act for the new epoch: its letter would name the old one."""
    w.script = {(1, 1): "permanent"}
    task = _failed(w)
    with w.undisturbed():
        w.send_raw(encode_message(Message(task.task_id, 0)))
    w.redrive_surely()
    w.until_quiet()
    _expect_epoch(w, task, 1)


def delivery_before_the_backoff_is_over(w: World) -> None:
    w.script = {(0, 1): "fail"}
    with w.undisturbed():
        task = w.submit()
        assert task is not None
        delivery = w.cloud.receive()
        assert delivery is not None
        w.work(delivery)
    w.send_raw(encode_message(Message(task.task_id)))
    w.until_quiet()


def a_worker_that_outlives_its_lease(second: object, *, max_attempts: int = 2) -> Callable[[World], None]:
    """A clock is wrong, or a machine was asleep: the first worker comes back after a second one has begun.

    Without a second attempt, it comes back after it has been declared lost.
    """

    def tell(w: World) -> None:
        w.witness.may_overlap = True
        w.witness.may_be_declared_lost = max_attempts == 1
        w.max_attempts = max_attempts
        w.script = {(0, 1): lambda: None, (0, 2): second}
        delivery = _delivered(w)

        def later() -> None:
            w.pass_seconds(130)
            w.pump()

        w.at_once(lambda: w.work(delivery), later)
        w.until_quiet()

    return tell


def redrive_one(w: World) -> None:
    task = _failed(w)
    w.redrive_surely()
    w.until_quiet()
    _expect_epoch(w, task, 1)


def redrive_again(w: World) -> None:
    """The same command twice: what the first one did is not done again."""
    task = _failed(w)
    w.redrive_surely()
    w.redrive_surely()
    w.until_quiet()
    _expect_epoch(w, task, 1)


def redrive_many(w: World) -> None:
    tasks = [_failed(w) for _ in range(3)]
    w.redrive_surely()
    w.until_quiet()
    for task in tasks:
        _expect_epoch(w, task, 1)


def redrive_raced_by_a_second_operator(w: World) -> None:
    task = _failed(w)
    with w.undisturbed():
        # A crash between letter and state can leave two letters: one for each operator.
        w.dead_letters.send(encode_message(Message(task.task_id)), {})
    w.at_once(w.redrive, w.redrive)
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()
    _expect_epoch(w, task, 1)


def redrive_raced_by_a_second_operator_and_fails_again(w: World) -> None:
    """The second operator acts on what was read before the first one's redrive had run and failed."""
    w.script = {(1, 1): "permanent"}
    task = _failed(w)
    with w.undisturbed():
        w.dead_letters.send(encode_message(Message(task.task_id)), {})

    def redrive_and_work() -> None:
        w.redrive()
        w.pump()

    w.at_once(redrive_and_work, w.redrive)
    w.until_quiet()


def redrive_raced_by_the_worker(w: World) -> None:
    task = _failed(w)
    w.at_once(w.redrive, w.pump)
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()
    _expect_epoch(w, task, 1)


def redrive_while_the_worker_fails_the_task(w: World) -> None:
    w.script = {(0, 1): "permanent"}
    delivery = _delivered(w)
    w.at_once(lambda: w.work(delivery), w.redrive)
    w.until_quiet()
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()


def redrive_that_fails_again(w: World) -> None:
    w.script = {(1, 1): "permanent"}
    task = _failed(w)
    w.redrive_surely()
    w.until_quiet()
    _expect_epoch(w, task, 1)


def stale_letter_of_an_older_epoch(w: World) -> None:
    task = _failed(w)
    with w.undisturbed():
        w.redrive()
        w.until_quiet()
        w.dead_letters.send(encode_message(Message(task.task_id, 0)), {})
    runs = len(w.witness.runs)
    w.redrive_surely()
    w.until_quiet()
    if len(w.witness.runs) != runs:
        w.violations.append("a stale letter ran")


def drain(w: World) -> None:
    for _ in range(3):
        _failed(w)
    with w.undisturbed():
        w.dead_letters.send(FOREIGN, {})
        before = set(w.cloud.letters())
    w.drain_surely()
    if not before <= {*w.drained, *w.cloud.letters()}:
        w.violations.append("a drained letter is lost")


def cancel_before_the_first_attempt(w: World) -> None:
    with w.undisturbed():
        task = w.submit()
        assert task is not None
    w.cancel_surely(task.task_id)
    w.until_quiet()
    if w.witness.runs:
        w.violations.append("a cancelled task ran")


def cancel_during_the_backoff(w: World) -> None:
    w.script = {(0, 1): "fail"}
    with w.undisturbed():
        task = w.submit()
        delivery = w.cloud.receive()
        assert task is not None
        assert delivery is not None
        w.work(delivery)
    w.cancel_surely(task.task_id)
    w.until_quiet()
    if len(w.witness.runs) != 1:
        w.violations.append("a cancelled task was retried")


def cancel_during_an_attempt(act: str, *, max_attempts: int = 2) -> Callable[[World], None]:
    """The attempt may end; whatever it comes to, none follows one that was under way when the wish was noted."""

    def tell(w: World) -> None:
        w.script = {(0, 1): act}
        w.max_attempts = max_attempts
        delivery = _delivered(w)
        (task_id,) = w.cloud.tasks()
        heard: list[bool] = []
        w.at_once(lambda: w.work(delivery), lambda: heard.append(w.cancel(task_id)))
        if heard != [True]:
            w.cancel_surely(task_id)
        runs = len(w.witness.runs)
        w.until_quiet()
        if len(w.witness.runs) != runs:
            w.violations.append("a cancelled task was retried")

    return tell


def cancel_raced_by_a_whole_attempt(w: World) -> None:
    """The operator read the task before an attempt that failed; writing what was read would forget that attempt."""
    w.script = {(0, 1): "fail"}
    delivery = _delivered(w)
    (task_id,) = w.cloud.tasks()
    w.at_once(lambda: w.work(delivery), lambda: w.cancel(task_id))
    w.until_quiet()
    task = w.item(task_id)
    if task is None or len(task.history) != len(w.witness.runs):
        w.violations.append("an attempt is forgotten")


def cancel_by_two_operators(w: World) -> None:
    """The second one must not write over what the first one wrote."""
    with w.undisturbed():
        task = w.submit()
        assert task is not None
    task_id = task.task_id

    def a_second_later() -> None:
        w.pass_seconds(1)
        w.cancel(task_id)

    w.at_once(lambda: w.cancel(task_id), a_second_later)
    w.until_quiet()


def cancel_a_redriven_task(w: World) -> None:
    task = _failed(w)
    w.redrive_surely()
    w.cancel_surely(task.task_id)
    w.until_quiet()
    _expect_epoch(w, task, 1)
    if w.witness.runs:
        w.violations.append("a cancelled task ran")
    w.pass_seconds(61)
    w.redrive_surely()
    w.until_quiet()
    if w.witness.runs or w.cloud.letters():
        w.violations.append("a cancelled task was redriven")


def _delivered(w: World) -> Delivery:
    """A task that has been submitted, and its message in a worker's hands."""
    with w.undisturbed():
        w.submit()
        delivery = w.cloud.receive()
        assert delivery is not None
        return delivery


def _failed(w: World) -> Task:
    """A task that failed in its first epoch, with its letter in the dead-letter queue, as the protocol leaves it."""
    task = failed_task(len(w.cloud.tasks()), w.clock(), Failure("PermanentError", "as the script says"))
    put_failed(stage_of(w.cloud.aws), task)
    w.witness.accepted.add(task.task_id)
    w.witness.look()
    return task


def _expect_epoch(w: World, task: Task, epoch: int) -> None:
    now = w.item(task.task_id)
    if now is None or now.epoch != epoch:
        w.violations.append(f"redriven to epoch {now.epoch if now else None}, not {epoch}")


FAIL_TWICE: dict[tuple[int, int], object] = {(0, 1): "fail", (0, 2): "fail"}

SCENARIOS = [
    Scenario("submit", submit, depth=2),
    Scenario("submit again with the same key", submit_again_with_the_same_key, depth=2),
    Scenario("submit another payload with the same key", submit_another_payload_with_the_same_key),
    Scenario("submit another type with the same key", submit_another_type_with_the_same_key),
    Scenario(
        "own task whose payload cannot be converted",
        own_task("convert", {"order_id": "x"}, own_tasks.wrongs_of_unconvertible),
        Status.FAILED,
        depth=2,
    ),
    Scenario("own task with its own backoff", own_task("flaky", {"to": "a"}, own_tasks.wrongs_of_flaky)),
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
    Scenario("batch", batch),
    Scenario("batch without keys", batch_without_keys),
    Scenario("batch of more than a request carries", batch_of_more_than_a_request_carries),
    Scenario("batch again, longer", batch_again_longer),
    Scenario("two clients with the same batch", two_clients_with_the_same_batch, actors=2, depth=0),
    Scenario("batch raced by the worker", batch_raced_by_the_worker, actors=2, depth=0),
    Scenario("retry then success", scripted({(0, 1): "fail"}), depth=2),
    Scenario("exhausted attempts", scripted(FAIL_TWICE), Status.FAILED),
    Scenario("permanent error", scripted({(0, 1): "permanent"}), Status.FAILED, depth=2),
    Scenario("worker dies in the first attempt", scripted({(0, 1): "die"}), depth=2),
    Scenario("worker dies in the second attempt", scripted({(0, 1): "fail", (0, 2): "die"}), Status.FAILED),
    Scenario("worker dies in every attempt", scripted({(0, 1): "die", (0, 2): "die"}), Status.FAILED),
    Scenario("handler hangs past the timeout", scripted({(0, 1): "hang"})),
    Scenario("malformed message", malformed_message, None),
    Scenario("message of a later release", message_of_a_later_release),
    Scenario("duplicate delivery of a success", duplicate({}), actors=2),
    Scenario("duplicate delivery of a failure", duplicate({(0, 1): "fail"}), actors=2, depth=0),
    Scenario(
        "duplicate delivery of the last failure", duplicate(FAIL_TWICE, max_attempts=1), Status.FAILED, 2, depth=0
    ),
    Scenario("duplicate delivery, one worker dies", duplicate({(0, 1): "die"}), actors=2),
    Scenario("late duplicate after COMPLETED", late_duplicate({})),
    Scenario("late duplicate after FAILED", late_duplicate({(0, 1): "permanent"}), Status.FAILED),
    Scenario("late duplicate after a redrive", late_duplicate_after_a_redrive, Status.FAILED),
    Scenario("delivery before the backoff is over", delivery_before_the_backoff_is_over),
    Scenario(
        "worker outlives its lease, the second succeeds", a_worker_that_outlives_its_lease("ok"), None, 2, depth=0
    ),
    Scenario(
        "worker outlives its lease, the second fails", a_worker_that_outlives_its_lease("permanent"), None, 2, depth=0
    ),
    Scenario("worker outlives its lease, the second dies", a_worker_that_outlives_its_lease("die"), None, 2, depth=0),
    Scenario(
        "worker outlives its lease, the last one",
        a_worker_that_outlives_its_lease("ok", max_attempts=1),
        None,
        2,
        depth=0,
    ),
    Scenario("redrive one", redrive_one),
    Scenario("redrive again before the task has run", redrive_again),
    Scenario("redrive many", redrive_many),
    Scenario("redrive raced by a second operator", redrive_raced_by_a_second_operator, actors=2, depth=0),
    Scenario(
        "redrive raced by a second operator, and fails again",
        redrive_raced_by_a_second_operator_and_fails_again,
        None,
        2,
        depth=0,
    ),
    Scenario("redrive raced by the worker", redrive_raced_by_the_worker, actors=2, depth=0),
    Scenario("redrive while the worker fails the task", redrive_while_the_worker_fails_the_task, None, 2, depth=0),
    Scenario("redrive that fails again", redrive_that_fails_again, Status.FAILED),
    Scenario("stale letter of an older epoch", stale_letter_of_an_older_epoch),
    Scenario("drain", drain, Status.FAILED),
    Scenario("cancel before the first attempt", cancel_before_the_first_attempt, Status.CANCELLED, depth=2),
    Scenario("cancel during the backoff", cancel_during_the_backoff, Status.CANCELLED),
    Scenario("cancel while an attempt succeeds", cancel_during_an_attempt("ok"), None, 2, depth=0),
    Scenario("cancel while an attempt fails", cancel_during_an_attempt("fail"), None, 2, depth=0),
    Scenario("cancel while the last attempt fails", cancel_during_an_attempt("fail", max_attempts=1), None, 2, depth=0),
    Scenario("cancel while the worker dies", cancel_during_an_attempt("die"), None, 2),
    Scenario("cancel raced by a whole attempt", cancel_raced_by_a_whole_attempt, None, 2, depth=0),
    Scenario("cancel by two operators", cancel_by_two_operators, Status.CANCELLED, 2, depth=0),
    Scenario("cancel a redriven task", cancel_a_redriven_task, Status.CANCELLED),
]
