from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from ftask.cli.ls import ls
from ftask.cli.usage import UsageError, parse_choices
from ftask.core.failed_index import FailedTask
from ftask.core.model import Failure, Status
from ftask.render.dead_letters import failed_table
from ftask.render.task_list import COLUMNS, row_text, task_table, watched_list
from tests.support.builders import TASK_ID, a_task
from tests.support.clock import EPOCH
from tests.support.drawing import WHOLE, drawn

NOW = EPOCH + timedelta(seconds=80)
TASK = a_task(
    status=Status.FAILED,
    attempts=2,
    epoch=1,
    failed_at=EPOCH + timedelta(seconds=20),
    updated_at=EPOCH + timedelta(seconds=30),
    last_error=Failure("ValueError", "no luck " * 30),
    result='{"a":1}',
)
CELLS = {
    "task": TASK_ID,
    "type": "experiment",
    "status": "FAILED",
    "attempts": "2 of 2",
    "redrives": "1",
    "created": "1 m 20 s ago",
    "updated": "50 s ago",
    "ended": "1 m 0 s ago",
    "next": "",
    "error": ("ValueError: " + "no luck " * 30).rstrip(),
    "payload": TASK.payload,
    "result": '{"a":1}',
}


@pytest.mark.parametrize("name", COLUMNS)
def test_each_column_has_its_cell(name: str) -> None:
    assert row_text(TASK, NOW, [name]) == CELLS[name]


def test_a_task_that_waits_says_how_long() -> None:
    waiting = a_task(status=Status.RETRYING, next_attempt_at=NOW + timedelta(seconds=5))
    assert row_text(waiting, NOW, ["next", "ended", "error", "result"]).split() == ["5.0", "s"]


def test_the_columns_come_in_the_order_in_which_they_are_named() -> None:
    header, row = drawn(task_table([TASK], NOW, WHOLE, ["redrives", "task", "created"])).splitlines()
    assert header.split() == ["redrives", "task", "created"]
    assert row.split()[:2] == ["1", TASK_ID]


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_cell_that_does_not_fit_ends_with_a_mark_and_keeps_the_others_whole(width: int) -> None:
    lines = drawn(task_table([TASK], NOW, {TASK_ID: TASK_ID[:8]}), width).splitlines()
    assert all(len(line) <= width for line in lines)
    for whole in (TASK_ID[:8], "FAILED", "2 of 2", "1 m 20 s ago"):
        assert whole in lines[1]
    assert lines[1].rstrip().endswith("…")


def test_a_row_is_one_line_whatever_its_error_is() -> None:
    task = replace(TASK, last_error=Failure("ValueError", f"no\n\n  {'f' * 32}\u2028such order\n"))
    row = f"ValueError: no {'f' * 32} such order"
    assert drawn(task_table([task], NOW, WHOLE, ["error"]), 200).split("\n")[1].rstrip() == row
    assert row_text(task, NOW, ["error"]) == row
    failed = drawn(failed_table([FailedTask.of(task)], NOW, WHOLE), 200)
    assert len(failed.rstrip().splitlines()) == 2


def test_a_short_payload_leaves_its_room_to_the_error() -> None:
    _, row = drawn(task_table([TASK], NOW, WHOLE, ["payload", "error", "result"]), 80).splitlines()
    assert str(TASK.payload) in row
    assert row.rstrip().endswith('…  {"a":1}')
    assert len(row.rstrip()) == 78


def test_a_watched_list_fits_its_terminal_and_says_what_is_left_out() -> None:
    tasks = [replace(TASK, task_id=f"{number:032x}") for number in range(50)]
    lines = drawn(watched_list(tasks, NOW, WHOLE, (), height=24), 200).splitlines()
    assert len(lines) == 23
    assert "50 tasks, 29 of them not shown" in lines[-1]
    assert "not shown" not in drawn(watched_list(tasks[:3], NOW, WHOLE, (), height=24), 200)


def test_columns_are_named_with_commas_in_any_case() -> None:
    assert parse_choices("--columns", "Task, error,task", list(COLUMNS)) == ["task", "error"]


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("task,eror", "Unknown name 'eror' in --columns; did you mean error?"),
        ("xyz", "Unknown name 'xyz' in --columns."),
        (",", "Invalid --columns ',': expected some of task, type"),
    ],
)
def test_an_unknown_column_is_refused_with_a_suggestion(value: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_choices("--columns", value, list(COLUMNS))
    assert str(refused.value).startswith(says)
    assert "payload" in f"{refused.value} {refused.value.hint}"


def test_the_help_names_every_column() -> None:
    annotation = str(ls.__annotations__["columns"])
    assert all(name in annotation for name in COLUMNS)
