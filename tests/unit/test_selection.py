from __future__ import annotations

from datetime import UTC, timedelta

import pytest

from ftask.core.model import Failure
from ftask.selection.filter import TaskFilter
from tests.support.clock import EPOCH
from tests.support.stages import failed_task

TASK = failed_task(7, EPOCH, Failure("ValueError", "Boom at 7"))


@pytest.mark.parametrize(
    ("task_filter", "has"),
    [
        (TaskFilter(), True),
        (TaskFilter(error="boom"), True),
        (TaskFilter(error="valueerror: b"), True),
        (TaskFilter(error="bang"), False),
        (TaskFilter(error="ValueError: Boom at <n>"), True),
        (TaskFilter(error="ValueError: Boom\n   at <n>"), True),
        (TaskFilter(error="Boom at <id>"), False),
        (TaskFilter(kind="ValueError: Boom at <n>"), True),
        (TaskFilter(kind="ValueError: Boom at"), False),
        (TaskFilter(since=EPOCH, until=EPOCH), True),
        (TaskFilter(since=EPOCH + timedelta(milliseconds=1)), False),
        (TaskFilter(until=EPOCH - timedelta(milliseconds=1)), False),
        (TaskFilter(task_ids=frozenset({TASK.task_id})), True),
        (TaskFilter(task_ids=frozenset({"another"})), False),
        (TaskFilter(type="experiment"), True),
        (TaskFilter(type="send"), False),
        (TaskFilter(error="boom", task_ids=frozenset({"another"})), False),
    ],
)
def test_every_part_of_a_filter_must_fit(task_filter: TaskFilter, has: bool) -> None:
    assert task_filter.matches_failure(TASK) is has


def test_only_the_empty_filter_selects_all() -> None:
    assert TaskFilter().selects_all
    assert not TaskFilter(since=EPOCH.astimezone(UTC)).selects_all
