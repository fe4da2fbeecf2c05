"""A story: what it tells, how it ends, how it is explored; and the beginnings that several have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ftask.core.model import Delivery, Failure, Status, Task
from ftask.core.payload import encode_payload
from tests.crash.wire import Fault
from tests.crash.world import World
from tests.support.stages import failed_task, put_failed, stage_of

FOREIGN = '{"hello": "this is not a task"}'


@dataclass(frozen=True)
class Scenario:
    """A story, and how its tasks end where nothing goes wrong (None: it says so itself)."""

    name: str
    tell: Callable[[World], object]
    ends: Status | None = Status.COMPLETED
    actors: int = 1
    # How many faults strike in one run; 0 where the orders of several actors are the story.
    depth: int = 1
    # What strikes, in every order of the actors; empty stands for what is usual for so many actors.
    faults: tuple[Fault, ...] = ()
    # How often an order may leave the one in which the first actor moves as long as it can; None: as often as it likes.
    departures: int | None = None
    # Whether a usual run tries every order in which each of two actors is interrupted once.
    interrupted_twice: bool = False


def delivered(w: World) -> Delivery:
    """A task that has been submitted, and its message in a worker's hands."""
    with w.undisturbed():
        w.submit()
        delivery = w.cloud.receive()
        assert delivery is not None
        return delivery


def failed(w: World) -> Task:
    """A task that failed in its first epoch, with its letter in the dead-letter queue, as the protocol leaves it."""
    error = Failure("PermanentError", "as the script says")
    task = failed_task(len(w.cloud.tasks()), w.clock(), error, encode_payload(w.payload("SUCCESS")))
    put_failed(stage_of(w.cloud.aws), task)
    w.witness.accepted.add(task.task_id)
    w.witness.payloads[task.task_id] = w.payload("SUCCESS")
    w.witness.look()
    return task


def expect_epoch(w: World, task: Task, epoch: int) -> None:
    now = w.item(task.task_id)
    if now is None or now.epoch != epoch:
        w.violations.append(f"redriven to epoch {now.epoch if now else None}, not {epoch}")
