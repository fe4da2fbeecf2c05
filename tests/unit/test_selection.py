from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest
from typer.testing import CliRunner

from ftask.cli import app
from ftask.core.model import Failure
from ftask.selection.filter import TaskFilter
from tests.support.clock import EPOCH
from tests.support.stages import failed_task

TASK = replace(failed_task(7, EPOCH, Failure("ValueError", "Boom at 7")), tags={"customer": "42", "plan": "pro"})


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
        (TaskFilter(tags={"customer": "42"}), True),
        (TaskFilter(tags={"customer": "42", "plan": "pro"}), True),
        (TaskFilter(tags={"customer": "42", "plan": "free"}), False),
        (TaskFilter(tags={"region": "42"}), False),
        (TaskFilter(error="boom", task_ids=frozenset({"another"})), False),
    ],
)
def test_every_part_of_a_filter_must_fit(task_filter: TaskFilter, has: bool) -> None:
    assert task_filter.matches_failure(TASK) is has


def test_a_time_is_that_of_the_failure_where_failed_tasks_are_selected_and_else_of_the_creation() -> None:
    task = replace(TASK, created_at=EPOCH - timedelta(hours=1))
    assert TaskFilter(since=EPOCH).matches_failure(task)
    assert not TaskFilter(since=EPOCH).matches(task)


@pytest.mark.parametrize(
    ("command", "time"),
    [
        ("ls", "tasks created (with --status FAILED: that failed)"),
        ("cancel", "tasks created"),
        ("dlq ls", "tasks that failed"),
        ("dlq redrive", "tasks that failed"),
        ("dlq discard", "tasks that failed"),
        ("dlq drain", "tasks that failed"),
        ("logs", "events logged"),
    ],
)
def test_each_help_says_which_time_is_compared(command: str, time: str) -> None:
    shown = CliRunner().invoke(app, [*command.split(), "--help"], env={"COLUMNS": "250"}).stdout
    text = " ".join(shown.split())
    assert f"Only {time} at this time or later" in text
    assert f"Only {time} at this time or earlier" in text


def test_only_the_empty_filter_selects_all() -> None:
    assert TaskFilter().selects_all
    assert not TaskFilter(since=EPOCH.astimezone(UTC)).selects_all
