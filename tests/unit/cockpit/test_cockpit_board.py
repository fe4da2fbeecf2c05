"""What the cockpit shows for which readings, filter and selection."""

from __future__ import annotations

import pytest

from ftask.cockpit.board import Board, GroupRow, Heading, Row, TaskRow, board_keys, select, task_keys
from ftask.core.model import Status
from ftask.selection.failed import FailedTasks
from tests.support.snapshots import a_failed_attempt, a_failed_task, a_snapshot

FAILED = FailedTasks(
    (
        *(a_failed_task(number, f"no order {number}", seconds=number) for number in (1, 2, 3)),
        a_failed_task(4, "down", task_type="send"),
    ),
    complete=True,
)


def a_board() -> Board:
    board = Board(failed=FAILED)
    board.history.append(a_snapshot(failures=(a_failed_attempt(9, "Slow: later", seconds=50),)))
    return board


def summary(rows: list[Row]) -> list[str]:
    texts = []
    for row in rows:
        match row:
            case Heading(text):
                texts.append(text)
            case GroupRow(group):
                texts.append(f"{group.count} {group.text}")
            case TaskRow(failure):
                texts.append(f"{failure.task_id[-1]} {failure.error}")
    return texts


def test_groups_come_first_then_the_tasks_that_failed_last() -> None:
    assert summary(a_board().rows()) == [
        "2 kinds of error in 4 failed tasks",
        "3 E: no order <n>",
        "1 E: down",
        "Recent failures",
        "9 Slow: later",
        "3 E: no order 3",
        "2 E: no order 2",
        "1 E: no order 1",
        "4 E: down",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SEND", ["1 kind of error in 1 failed task", "1 E: down", "Recent failures", "4 E: down"]),
        # A kind of error is shown whole, since a redrive of it redrives all of its tasks.
        ("order 2", ["1 kind of error in 3 failed tasks", "3 E: no order <n>", "Recent failures", "2 E: no order 2"]),
        ("nothing like it", ["No row matches the filter."]),
        ("ABCDEF01", ["No row matches the filter. Enter opens the task with this id."]),
        ("later", ["No error matches the filter.", "Recent failures", "9 Slow: later"]),
        (f"{4:032x}", ["1 kind of error in 1 failed task", "1 E: down", "Recent failures", "4 E: down"]),
    ],
)
def test_the_filter_looks_at_errors_types_and_ids(text: str, expected: list[str]) -> None:
    board = a_board()
    board.filter = text
    assert summary(board.rows()) == expected


def test_a_cut_list_of_failed_tasks_says_so() -> None:
    board = Board(failed=FailedTasks(FAILED.tasks, complete=False))
    assert summary(board.rows())[0] == "2 kinds of error in the newest 4 failed tasks"
    assert summary(Board().rows()) == ["No failed task."]


def test_the_selection_follows_its_row() -> None:
    before = a_board().rows()
    board = a_board()
    board.failed = FailedTasks(FAILED.tasks[1:], complete=True)
    after = board.rows()
    assert select(after, before, before[2].key) == before[2].key
    # The oldest task of the orders is gone: the one at its place is selected.
    assert select(after, before, before[7].key) == after[7].key
    assert select(after, before, before[-1].key) == after[-1].key
    assert select(after, before, None) == after[1].key
    assert select(Board().rows(), before, before[1].key) is None


def keys(board: Board, row: Row | None) -> str:
    return "  ".join(f"{key} {label}" for key, label in board_keys(board, row))


def test_the_keys_are_those_that_apply_to_the_selected_row() -> None:
    board = a_board()
    rows = board.rows()
    everywhere = "/ filter  p pause view  ? help  q quit"
    assert keys(board, None) == everywhere
    assert keys(board, rows[1]) == f"Enter open  r redrive  {everywhere}"
    assert keys(board, rows[4]) == f"Enter open  c cancel  {everywhere}"
    assert keys(board, rows[5]) == f"Enter open  r redrive  {everywhere}"
    board.filter, board.paused = "x", True
    assert keys(board, None) == "/ filter  Esc show all  p go on  ? help  q quit"


@pytest.mark.parametrize("status", Status)
def test_an_open_task_can_be_redriven_if_it_failed_and_cancelled_if_it_has_not_ended(status: Status) -> None:
    offered = {label for _, label in task_keys(status)}
    assert ("redrive" in offered) is (status is Status.FAILED)
    assert ("cancel" in offered) is (not status.terminal)
