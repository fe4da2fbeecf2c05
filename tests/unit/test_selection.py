from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from ftask.core.model import Failure
from ftask.dead_letters.selection import Selection
from tests.support.clock import EPOCH
from tests.support.stages import failed_task

TASK = failed_task(7, EPOCH, Failure("ValueError", "Boom at 7"))


@pytest.mark.parametrize(
    ("selection", "has"),
    [
        (Selection(), True),
        (Selection(error="boom"), True),
        (Selection(error="valueerror: b"), True),
        (Selection(error="bang"), False),
        (Selection(error="ValueError: Boom at <n>"), True),
        (Selection(error="ValueError: Boom\n   at <n>"), True),
        (Selection(error="Boom at <id>"), False),
        (Selection(kind="ValueError: Boom at <n>"), True),
        (Selection(kind="ValueError: Boom at"), False),
        (Selection(since=EPOCH, until=EPOCH), True),
        (Selection(since=EPOCH + timedelta(milliseconds=1)), False),
        (Selection(until=EPOCH - timedelta(milliseconds=1)), False),
        (Selection(task_ids=frozenset({TASK.task_id})), True),
        (Selection(task_ids=frozenset({"another"})), False),
        (Selection(type="experiment"), True),
        (Selection(type="send"), False),
        (Selection(error="boom", task_ids=frozenset({"another"})), False),
    ],
)
def test_every_part_of_a_selection_must_fit(selection: Selection, has: bool) -> None:
    assert selection.matches(TASK) is has


def test_only_the_empty_selection_is_everything() -> None:
    assert Selection().selects_all
    assert not Selection(since=EPOCH.astimezone(UTC)).selects_all
