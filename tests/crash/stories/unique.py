"""A unique task: whoever dies when, no two of one key are unfinished, and one that a client was told of runs."""

from __future__ import annotations

from ftask.core.errors import FtaskError, NotUniqueError
from ftask.core.item import is_task, item_to_task
from ftask.core.labels import UNTIL_DONE, Labels
from ftask.core.payload import Submission
from tests.crash.actors import Crash
from tests.crash.stories.story import Scenario
from tests.crash.world import World

UNIQUE = Labels(unique=UNTIL_DONE, unique_key="customer-42")


def submit(w: World) -> None:
    try:
        w.witness.accepted.add(w._submitter().submit(Submission({"message": "work"}, labels=UNIQUE)).task_id)
    except NotUniqueError as held:
        w.witness.accepted.add(held.task_id)  # the client gets the handle of this one
    except (FtaskError, Crash):
        return


def two_clients(w: World) -> None:
    w.at_once(lambda: submit(w), lambda: submit(w))
    check(w)
    submit(w)
    w.until_quiet()


def again_after_its_end(w: World) -> None:
    with w.undisturbed():
        submit(w)
        w.until_quiet()
    w.at_once(lambda: submit(w), lambda: submit(w))
    check(w)
    submit(w)
    w.until_quiet()


def check(w: World) -> None:
    with w.undisturbed():
        items = w.cloud.aws.dynamodb.scan(TableName=w.cloud.aws.table)["Items"]
    open_tasks = [task for item in items if is_task(item) and not (task := item_to_task(item)).status.terminal]
    if len(open_tasks) > 1:
        w.violations.append("two tasks of one unique key are unfinished")


SCENARIOS = [
    Scenario("a unique task from two clients", two_clients, None, actors=2),
    Scenario("a unique task again after its end", again_after_its_end, None, actors=2),
]
